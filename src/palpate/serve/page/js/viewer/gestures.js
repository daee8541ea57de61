/**
 * Mouse, pen and fingers on the stage: drag a point, drag the film, window with the right
 * button, zoom with the wheel or two fingers, click to place.
 */
const REACH = { mouse: 12, pen: 16, touch: 26 };
// A click that trembles is still a click.
const STILL_PX = 2;

export class Gestures {
  /**
   * @param {HTMLElement} stage
   * @param {import("./desk.js").Desk} desk
   * @param {{points: object, window: (dx: number, dy: number) => void,
   *   hover: (place: object | null) => void}} parts
   */
  constructor(stage, desk, parts) {
    Object.assign(this, { stage, desk, parts });
    /** @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    this.going = null;
    this.spaceHeld = false;
    const on = (name, handler) =>
      stage.addEventListener(name, (event) => handler.call(this, event), { passive: false });
    on("pointerdown", this.down);
    on("pointermove", this.moved);
    on("pointerup", this.up);
    on("pointercancel", this.cancel);
    on("pointerleave", () => this.parts.hover(null));
    on("wheel", this.wheel);
    on("contextmenu", (event) => event.preventDefault());
  }

  place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  down(event) {
    if (event.target.closest("[data-control]")) return;
    const at = this.place(event);
    this.stage.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, at);
    if (this.fingers.size === 2) {
      this.release();
      this.going = { kind: "pinch" };
      return;
    }
    if (this.going) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.going = { ...this.began(event, at), from: at, last: at, still: true };
  }

  began(event, at) {
    if (event.button === 2) return { kind: "window" };
    if (event.button === 1 || this.spaceHeld) return { kind: "pan" };
    const name = this.parts.points.at(at.x, at.y, REACH[event.pointerType] ?? REACH.mouse);
    if (!name) return { kind: "pan", click: true };
    this.desk.choose(name);
    this.parts.points.focus(name);
    const mark = this.desk.mark(name);
    const [x, y] = this.desk.view.toStage(mark.x, mark.y);
    // Where the hand took hold of it, the point stays below the hand.
    return { kind: "point", dx: x - at.x, dy: y - at.y };
  }

  moved(event) {
    const at = this.place(event);
    const { going } = this;
    if (!this.fingers.has(event.pointerId) || !going) {
      this.parts.hover({ ...at, name: this.parts.points.at(at.x, at.y, REACH.mouse) });
      return;
    }
    if (going.kind === "pinch") this.pinch(event.pointerId, at);
    else this.drag(going, at);
    this.fingers.set(event.pointerId, at);
  }

  drag(going, at) {
    if (going.still && Math.hypot(at.x - going.from.x, at.y - going.from.y) <= STILL_PX) return;
    going.still = false;
    const [dx, dy] = [at.x - going.last.x, at.y - going.last.y];
    going.last = at;
    this.stage.classList.toggle("panning", going.kind === "pan");
    if (going.kind === "pan") this.desk.look(this.desk.view.panned(dx, dy), { moving: true });
    else if (going.kind === "window") this.parts.window(dx, dy);
    else if (this.desk.may()) {
      this.desk.dragged = this.desk.chosen;
      const place = { x: at.x + going.dx, y: at.y + going.dy };
      this.desk.move(...this.desk.view.toFilm(place.x, place.y));
      this.parts.hover({ ...place, name: this.desk.chosen });
    }
  }

  pinch(id, at) {
    const before = [...this.fingers.values()];
    const after = [...this.fingers].map(([each, place]) => (each === id ? at : place));
    const apart = ([a, b]) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const [m, n] = [middle(before), middle(after)];
    const view = this.desk.view.panned(n.x - m.x, n.y - m.y);
    this.desk.look(view.scaled((view.scale * apart(after)) / apart(before), n.x, n.y), {
      moving: true,
    });
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    const { going } = this;
    if (!going || (going.kind === "pinch" && this.fingers.size > 0)) return;
    this.release();
    if (going.click && going.still) this.click(going.from);
  }

  release() {
    const { going } = this;
    this.going = null;
    this.stage.classList.remove("panning");
    if (going?.kind === "point") this.desk.finish();
    if (going?.kind === "pan" || going?.kind === "pinch") this.desk.tell("view", { moving: false });
  }

  cancel(event) {
    this.fingers.delete(event.pointerId);
    if (this.going?.kind === "point" && !this.going.still) this.desk.reading.unsketch();
    this.going = null;
    this.desk.dragged = "";
  }

  /** On the bare film: places the chosen landmark if it is nowhere yet, else lets go of it. */
  click({ x, y }) {
    const { desk } = this;
    const mark = desk.mark();
    if (desk.chosen && (!mark || mark.x === null)) {
      const name = desk.chosen;
      if (desk.place(...desk.view.toFilm(x, y))) desk.tell("placed", name);
    } else desk.choose("");
  }

  wheel(event) {
    event.preventDefault();
    const { x, y } = this.place(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.max(-240, Math.min(240, event.deltaY * lines));
    this.desk.zoom(Math.exp(-amount / 400), x, y, { moving: true });
  }
}
