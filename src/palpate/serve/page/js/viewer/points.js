/**
 * Landmarks above the film, as SVG: the film is never painted for them.
 *
 * Each present landmark is a `g` with data-landmark, data-x, data-y (px of the film), data-state
 * and data-origin. What the model said is a hollow ring, what a person set a filled disc, an
 * occluded one is dashed, the chosen one has a halo with four ticks: shape tells as much as colour.
 */
import { ellipse } from "./ellipse.js";
import { labelled } from "./labels.js";
import { set, short, svg } from "./svg.js";

// Closer than this to the model's place, the ring there would only hide the point.
const APART_PX = 3;
// Where most points have a neighbour nearer than this, they are drawn smaller.
const TIGHT_PX = 22;

export class PointLayer {
  /**
   * @param {SVGSVGElement} root
   * @param {object} given
   * @param {{name: string, title: string}[]} given.landmarks
   * @param {[string, string][]} given.edges
   * @param {Object<string, number>} given.ellipses - squared radius by landmark
   * @param {(name: string) => void} given.onFocus
   */
  constructor(root, { landmarks, edges, ellipses, onFocus }) {
    this.root = root;
    this.titles = new Map(landmarks.map(({ name, title }) => [name, title]));
    this.ellipses = ellipses;
    this.onFocus = onFocus;
    this.layers = ["ellipses", "edges", "drawings", "moves", "points", "labels"].map((name) =>
      svg("g", { class: name }),
    );
    [this.under, this.lines, this.drawings, this.moves, this.over, this.names] = this.layers;
    for (const layer of this.layers) if (layer !== this.over) layer.setAttribute("aria-hidden", "true");
    root.replaceChildren(...this.layers);
    this.edges = edges.map(([from, to]) => ({ from, to, line: svg("line") }));
    this.lines.append(...this.edges.map((edge) => edge.line));
    this.nodes = new Map();
    this.predicted = new Map();
    this.named = false;
    this.hovered = "";
    this.highlighted = new Set();
  }

  /** What the model said of this frame: Map of name to {x, y, covariance}. */
  predict(predicted) {
    this.predicted = predicted;
  }

  /** Places everything: of 70 landmarks this costs less than a millisecond. */
  draw({ marks, view, chosen, dragged = "", texts = [] }) {
    this.last = { marks, view, chosen, dragged };
    this.root.classList.toggle("crowded", tight(marks, view));
    for (const [name, node] of this.nodes) {
      const mark = marks.get(name);
      if (mark && mark.state !== "absent") continue;
      node.remove();
      this.nodes.delete(name);
    }
    // In the order of the scheme, so that Tab goes through them in that order.
    for (const name of this.titles.keys()) {
      const mark = marks.get(name);
      if (mark && mark.state !== "absent") this.drawPoint(name, mark);
    }
    this.drawEdges(marks, view);
    this.drawPredicted(marks, view, chosen);
    this.drawNames(texts);
  }

  drawPoint(name, mark) {
    const { view, chosen, dragged } = this.last;
    const node = this.nodes.get(name) ?? this.made(name);
    const [x, y] = view.toStage(mark.x, mark.y);
    const states = ["point", mark.origin, mark.state];
    if (name === chosen) states.push("chosen");
    if (name === dragged) states.push("dragged");
    if (this.highlighted.has(name)) states.push("part");
    set(node, {
      transform: `translate(${short(x)} ${short(y)})`,
      class: states.join(" "),
      "aria-pressed": name === chosen,
      "data-x": mark.x,
      "data-y": mark.y,
      "data-state": mark.state,
      "data-origin": mark.origin,
    });
    const said = `${this.titles.get(name)}, ${wordOf(mark)}`;
    if (node.said !== said) node.setAttribute("aria-label", (node.said = said));
  }

  made(name) {
    const node = svg(
      "g",
      { "data-landmark": name, role: "button", tabindex: 0, "aria-keyshortcuts": "N P" },
      svg("circle", { class: "halo", r: 12 }),
      svg("path", { class: "ticks", d: "M0-17v6M0 11v6M-17 0h6M11 0h6" }),
      svg("circle", { class: "casing", r: 6 }),
      svg("circle", { class: "ring", r: 6 }),
      svg("circle", { class: "centre", r: 1.1 }),
    );
    node.addEventListener("focus", () => this.onFocus(name));
    this.nodes.set(name, node);
    const order = [...this.titles.keys()];
    const next = order
      .slice(order.indexOf(name) + 1)
      .map((each) => this.nodes.get(each))
      .find(Boolean);
    this.over.insertBefore(node, next ?? null);
    return node;
  }

  focus(name) {
    this.nodes.get(name)?.focus({ preventScroll: true });
  }

  drawEdges(marks, view) {
    for (const { from, to, line } of this.edges) {
      const [a, b] = [marks.get(from), marks.get(to)];
      const shown = a && b && a.x !== null && b.x !== null;
      line.toggleAttribute("hidden", !shown);
      if (!shown) continue;
      const [x1, y1] = view.toStage(a.x, a.y);
      const [x2, y2] = view.toStage(b.x, b.y);
      set(line, { x1: short(x1), y1: short(y1), x2: short(x2), y2: short(y2) });
    }
  }

  drawPredicted(marks, view, chosen) {
    const ellipses = [];
    const moves = [];
    for (const [name, { x, y, covariance }] of this.predicted) {
      const [px, py] = view.toStage(x, y);
      const { major, minor, degrees } = ellipse(onStage(covariance, view), this.ellipses[name] ?? 4.605);
      ellipses.push(
        svg("ellipse", {
          class: name === chosen ? "chosen" : "",
          "data-ellipse": name,
          rx: short(major),
          ry: short(minor),
          transform: `translate(${short(px)} ${short(py)}) rotate(${short(degrees)})`,
        }),
      );
      const mark = marks.get(name);
      if (!mark || mark.x === null) continue;
      const [mx, my] = view.toStage(mark.x, mark.y);
      if (Math.hypot(mx - px, my - py) < APART_PX) continue;
      moves.push(
        svg("line", { x1: short(px), y1: short(py), x2: short(mx), y2: short(my) }),
        svg("circle", { class: "predicted", cx: short(px), cy: short(py), r: 3.5 }),
      );
    }
    this.under.replaceChildren(...ellipses);
    this.moves.replaceChildren(...moves);
  }

  drawNames(texts) {
    const { marks, view, chosen } = this.last;
    const wanted = [...marks.values()]
      .filter((mark) => mark.x !== null)
      .map((mark) => {
        const name = mark.landmark;
        const [x, y] = view.toStage(mark.x, mark.y);
        const must = name === chosen || name === this.hovered;
        const told = must || this.named;
        const first = 2 * (name === chosen) + (name === this.hovered);
        return { name, text: told ? this.titles.get(name) : "", x, y, must, first };
      })
      .sort((a, b) => b.first - a.first);
    const written = texts.map(({ at: [x, y], text }, i) => {
      const [left, top] = view.toStage(x, y);
      return { name: `text ${i}`, text, x: left, y: top };
    });
    const at = labelled(wanted.filter(({ text }) => text), written);
    /** Where the drawing's texts go, in their order. */
    this.textPlaces = written.map(({ name }) => at.get(name));
    this.names.replaceChildren(
      ...wanted
        .filter(({ name }) => at.has(name))
        .map(({ name, text }) => {
          const { x, y, anchor } = at.get(name);
          const attributes = { x: short(x), y: short(y), "text-anchor": anchor };
          return svg("text", { ...attributes, class: name === chosen ? "chosen" : "" }, text);
        }),
    );
  }

  /** Name of the landmark under a place of the stage, the chosen one first; or empty. */
  at(x, y, reach) {
    const { marks, view, chosen } = this.last;
    let [best, least] = ["", reach];
    for (const mark of marks.values()) {
      if (mark.x === null) continue;
      const [px, py] = view.toStage(mark.x, mark.y);
      const away = Math.hypot(px - x, py - y) - (mark.landmark === chosen ? 3 : 0);
      if (away < least) [best, least] = [mark.landmark, away];
    }
    return best;
  }
}

/** Whether most points have a neighbour so near that rings of full size would touch. */
function tight(marks, view) {
  const at = [...marks.values()].filter(({ x }) => x !== null).map(({ x, y }) => view.toStage(x, y));
  const near = at.filter(([x, y], i) =>
    at.some(([u, v], j) => j !== i && Math.hypot(u - x, v - y) < TIGHT_PX));
  return 2 * near.length > at.length;
}

/** A covariance in px^2 of the film, in CSS px^2. */
function onStage([xx, xy, yy], { across, down }) {
  return [xx * across * across, xy * across * down, yy * down * down];
}

/** A mark in words. */
export function wordOf(mark) {
  if (!mark) return "not placed";
  if (mark.state === "absent") return "absent";
  const who = mark.origin === "model" ? "set by the model" : "set by a reader";
  return mark.state === "occluded" ? `${who}, occluded` : who;
}
