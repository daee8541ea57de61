import { api } from "../api.js";
import { Film } from "../viewer/film.js";
import { Frames } from "../viewer/frames.js";
import { Gestures } from "../viewer/gestures.js";
import { PointLayer } from "../viewer/points.js";
import { ReadersLayer } from "./readers-layer.js";

// So much of the stage the readers' marks of a landmark fill when one zooms to it.
const SHARE = 0.15;
const MOST_SCALE = 12;

/** The film with all marks over it. */
export class Stage {
  /**
   * @param {{stage: HTMLElement, film: HTMLCanvasElement, readers: SVGElement,
   *   points: SVGElement}} nodes
   * @param {import("./bench.js").Bench} bench
   */
  constructor(nodes, bench) {
    const { desk } = bench;
    Object.assign(this, { nodes, bench, desk, near: true });
    this.film = new Film(nodes.film, desk.film);
    const [centre, width] = desk.film.window;
    this.level = { centre, width };
    this.film.window(this.level);
    this.frames = new Frames(desk.film, (frame) =>
      api.bytes(`/api/cases/${desk.film.id}/pixels?frame=${frame}`));
    this.points = new PointLayer(nodes.points, { landmarks: desk.protocol.landmarks,
      edges: desk.protocol.edges, ellipses: {}, onFocus: (name) => desk.choose(name) });
    this.readers = new ReadersLayer(nodes.readers, { titles: desk.titles,
      onChoose: (name) => desk.choose(name) });
    this.gestures = new Gestures(nodes.stage, desk, { points: this.points,
      window: (dx, dy) => this.pull(dx, dy), hover: () => {} });
    new ResizeObserver(() => this.resize()).observe(nodes.stage);
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.nodes.stage;
    if (!width || !height) return;
    this.film.resize(width, height, window.devicePixelRatio);
    this.desk.resize({ width, height });
    this.film.look(this.desk.view);
  }

  async show(frame) {
    this.film.show(await this.frames.get(frame));
  }

  look({ moving = false } = {}) {
    this.film.look(this.desk.view, { moving });
    this.draw();
  }

  /** Window and level with the right button, as in the viewer. */
  pull(dx, dy) {
    const step = this.level.width / 300;
    this.level = { width: Math.max(1, this.level.width + dx * step * 2),
      centre: this.level.centre + dy * step };
    this.film.window(this.level);
  }

  invert() {
    this.film.window(this.level, { inverted: !this.film.inverted });
    return this.film.inverted;
  }

  draw() {
    const { desk, bench } = this;
    const { view, chosen, dragged } = desk;
    this.points.draw({ marks: desk.marks, view, chosen, dragged });
    this.readers.draw({ readers: bench.readers, view, chosen,
      marks: new Map(bench.readers.map((reader) => [reader, bench.marksOf(reader)])),
      mean: chosen ? bench.comparison(chosen).mean : null });
  }

  /** Zooms so that the marks of the chosen landmark are told apart. */
  approach() {
    const { desk, bench } = this;
    const { mean, apart } = desk.chosen ? bench.comparison(desk.chosen) : {};
    if (!this.near || !mean) return;
    const { width, height } = desk.stage;
    const wanted = SHARE * Math.min(width, height) / Math.max(apart?.px ?? 0, 4);
    const scale = Math.max(desk.view.scale, Math.min(MOST_SCALE, wanted));
    const [x, y] = desk.view.scaled(scale, 0, 0).toStage(mean.x, mean.y);
    desk.look(desk.view.scaled(scale, 0, 0).panned(width / 2 - x, height / 2 - y));
  }
}
