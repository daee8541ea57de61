/**
 * The film on its canvas. Only what is seen is computed, from means of the values, so windowing
 * and zooming cost what the screen costs, however large the film is.
 *
 * `data-paints` counts how often it was painted: dragging a point must not.
 */
import { HOLE_PIXEL, depths, greys } from "./colours.js";
import { Pyramid } from "./pyramid.js";
import { resample } from "./resample.js";
import { ramp, range } from "./window.js";

// A pass that takes longer than this is done coarsely while the film moves.
const SLOW_MS = 9;

/** Planes of a frame: one, or red, green and blue. */
export function planes(values, { width, height, channels, depth }) {
  if (channels === 1) return [new Pyramid(values, width, height, { holes: depth })];
  return [0, 1, 2].map((channel) => {
    const plane = new values.constructor(width * height);
    for (let i = 0, j = channel; i < plane.length; i += 1, j += 3) plane[i] = values[j];
    return new Pyramid(plane, width, height);
  });
}

export class Film {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas, { dtype, depth }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: true, desynchronized: false });
    this.dtype = dtype;
    this.depth = depth;
    this.inverted = false;
    this.planes = null;
    this.view = null;
    this.shown = [];
    this.moved = true;
    this.coarse = false;
    this.asked = 0;
    this.paints = 0;
  }

  /** Takes the size of the stage, in CSS px; the canvas has the pixels of the screen. */
  resize(width, height, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.picture = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.picture.data.buffer);
    this.moved = true;
    if (this.view) this.paint();
  }

  show(planesOfFrame) {
    this.planes = planesOfFrame;
    this.moved = true;
    this.ask();
  }

  look(view, { moving = false } = {}) {
    this.view = view;
    this.moved = true;
    this.moving = moving;
    this.ask();
  }

  /** @param {import("./window.js").Window} window */
  window(window, { inverted = this.inverted } = {}) {
    this.windowed = window;
    this.inverted = inverted;
    this.rampOf = null;
    this.ask();
  }

  /** Paints with the next frame of the screen, once however often it was asked. */
  ask() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.paint();
    });
  }

  paint() {
    if (!this.planes || !this.view || !this.windowed || !this.picture) return;
    if (this.moved) this.take();
    this.tabulate();
    this.fill(this.pixels, this.shown, this.canvas.width);
    this.context.putImageData(this.picture, 0, 0);
    this.paints += 1;
    if (this.paints === 1) performance.mark("film painted");
    this.canvas.dataset.paints = String(this.paints);
  }

  /** Brightness of every value, made once for each window that is painted. */
  tabulate() {
    if (this.rampOf === this.windowed) return;
    this.rampOf = this.windowed;
    this.ramp = ramp(this.windowed, this.dtype);
    this.colours = (this.depth ? depths : greys)({ inverted: this.inverted });
    this.table = null;
  }

  /** Paints another canvas: a part of the film at a scale of its own. */
  paintPart(canvas, view) {
    if (!this.planes || !this.windowed) return;
    this.tabulate();
    const context = canvas.getContext("2d");
    const picture = context.createImageData(canvas.width, canvas.height);
    const shown = this.planes.map((plane) => resample(plane, view, canvas));
    this.fill(new Uint32Array(picture.data.buffer), shown, canvas.width);
    context.putImageData(picture, 0, 0);
  }

  /** Values of the part of the film that is in view. */
  valuesInView() {
    const { values, area } = this.shown[0];
    const wide = this.canvas.width;
    const rows = [];
    for (let y = area.y0; y < area.y1; y += 1)
      rows.push(values.subarray(y * wide + area.x0, y * wide + area.x1));
    const seen = new values.constructor(rows.reduce((sum, row) => sum + row.length, 0));
    rows.reduce((at, row) => (seen.set(row, at), at + row.length), 0);
    return seen;
  }

  take() {
    const began = performance.now();
    const { left, top, across, down } = this.view;
    const view = { left, top, across: across * this.ratio, down: down * this.ratio };
    const quick = Boolean(this.moving && this.coarse);
    this.shown = this.planes.map((plane, i) =>
      resample(plane, view, this.canvas, { quick, into: this.shown[i]?.values }),
    );
    this.moved = false;
    if (quick) this.settle();
    else this.coarse = performance.now() - began > SLOW_MS;
  }

  /** The fine picture, once the film has come to rest. */
  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.moving = false;
      this.moved = true;
      this.ask();
    }, 120);
  }

  /** Values become pixels of the screen; beside the film nothing is painted. */
  fill(pixels, shown, wide) {
    pixels.fill(0);
    if (shown.length === 1) this.fillOne(pixels, shown[0], wide);
    else this.fillColour(pixels, shown, wide);
  }

  fillOne(pixels, { values, area }, wide) {
    const table = this.pixelOfValue();
    const least = range(this.dtype)[0];
    for (let y = area.y0; y < area.y1; y += 1) {
      const end = y * wide + area.x1;
      for (let i = y * wide + area.x0; i < end; i += 1) pixels[i] = table[values[i] - least];
    }
  }

  pixelOfValue() {
    if (!this.table) {
      this.table = new Uint32Array(this.ramp.length);
      for (let i = 0; i < this.table.length; i += 1) this.table[i] = this.colours[this.ramp[i]];
      if (this.depth) this.table[0 - range(this.dtype)[0]] = HOLE_PIXEL;
    }
    return this.table;
  }

  fillColour(pixels, [red, green, blue], wide) {
    const { area } = red;
    const least = range(this.dtype)[0];
    const flip = this.inverted ? 255 : 0;
    const level = (value) => this.ramp[value - least] ^ flip;
    for (let y = area.y0; y < area.y1; y += 1) {
      for (let i = y * wide + area.x0; i < y * wide + area.x1; i += 1) {
        pixels[i] =
          0xff000000 |
          (level(blue.values[i]) << 16) |
          (level(green.values[i]) << 8) |
          level(red.values[i]);
      }
    }
  }
}
