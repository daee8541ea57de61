/**
 * What is on the reader's desk: the case, its film and view, what is chosen, and what a reader
 * can do with it. Parts of the page listen and show; they do not know each other.
 *
 * Tells: 'view', 'marks', 'choice', 'frame', 'quantity', 'order', 'framed', 'say' (detail: words for
 * everybody).
 */
import { carried, markedBeside } from "./carry.js";
import { absent, placed, rounded, swapped } from "./marks.js";
import { leastSure, reaches } from "./sureness.js";
import { fit } from "./view.js";

const GATHER_MS = 600;

export class Desk extends EventTarget {
  /** @param {{film: object, protocol: object, reading: import("./reading.js").Reading}} given */
  constructor({ film, protocol, reading }) {
    super();
    Object.assign(this, { film, protocol, reading });
    this.names = protocol.landmarks.map(({ name }) => name);
    this.titles = new Map(protocol.landmarks.map(({ name, title }) => [name, title]));
    /** Names in the order in which one goes through them. */
    this.inTurn = this.names;
    this.unsureFirst = false;
    /** Landmarks whose place the model's own checks doubt. */
    this.doubted = new Set(this.names.filter((name) =>
      film.set_aside.some((words) => words.split(/[^\p{L}\d_.-]+/u).includes(name))));
    this.stage = { width: 1, height: 1 };
    this.view = fit(film, this.stage);
    this.fitted = true;
    this.frame = 0;
    this.chosen = "";
    this.quantity = "";
    this.dragged = "";
    /** How a landmark that is nowhere yet will be placed by the next click. */
    this.placing = "visible";
    reading.addEventListener("marks", () => this.tell("marks"));
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  say(words) {
    this.tell("say", words);
  }

  get marks() {
    return this.reading.marks(this.frame);
  }

  mark(name = this.chosen) {
    return this.reading.mark(this.frame, name);
  }

  /** Landmarks of this frame that nobody and no model has said anything of. */
  get missing() {
    return this.names.filter((name) => !this.mark(name));
  }

  // --- looking ---------------------------------------------------------------------------------

  resize(stage) {
    const whole = this.fitted;
    const middle = this.view.toFilm(this.stage.width / 2, this.stage.height / 2);
    this.stage = stage;
    if (whole) return this.fit();
    const [x, y] = this.view.toStage(...middle);
    return this.look(this.view.panned(stage.width / 2 - x, stage.height / 2 - y));
  }

  look(view, { moving = false } = {}) {
    this.fitted = false;
    this.view = view.kept(this.film, this.stage);
    this.tell("view", { moving });
  }

  fit() {
    this.fitted = true;
    this.view = fit(this.film, this.stage);
    this.tell("view", { moving: false });
  }

  zoom(factor, x = this.stage.width / 2, y = this.stage.height / 2, how = {}) {
    this.look(this.view.scaled(this.view.scale * factor, x, y), how);
  }

  scaleTo(scale) {
    this.zoom(scale / this.view.scale);
  }

  /** Moves the film so that the chosen landmark is seen. */
  reveal() {
    const mark = this.mark();
    if (!mark || mark.x === null) return;
    const [x, y] = this.view.toStage(mark.x, mark.y);
    const { width, height } = this.stage;
    if (x >= 0 && y >= 0 && x <= width && y <= height) return;
    this.look(this.view.panned(width / 2 - x, height / 2 - y));
  }

  /** To the frame before or after this one that holds marks. */
  goToMarked(by) {
    const frame = markedBeside(this.reading, this.frame, by);
    if (frame >= 0) this.goTo(frame);
    else this.say(by < 0 ? "No frame before this one is marked." : "No frame after this one is marked.");
  }

  /** The frame that the film shows now. */
  showFrame(frame) {
    this.finish();
    this.frame = frame;
    if (this.unsureFirst) this.order(true);
    this.tell("framed");
    this.tell("marks");
  }

  goTo(frame) {
    const next = Math.min(this.film.frames - 1, Math.max(0, frame));
    if (next === this.frame) return;
    this.finish();
    this.tell("frame", { frame: next });
  }

  // --- choosing --------------------------------------------------------------------------------

  choose(name, { reveal = true } = {}) {
    if (name === this.chosen) return;
    this.finish();
    this.chosen = name;
    this.placing = "visible";
    if (reveal) this.reveal();
    this.tell("choice");
  }

  /** Chooses the next landmark of the scheme, or the one before. */
  step(by) {
    const at = this.inTurn.indexOf(this.chosen);
    const count = this.inTurn.length;
    const next = at < 0 ? (by > 0 ? 0 : count - 1) : (at + by + count) % count;
    this.choose(this.inTurn[next]);
  }

  /** Landmarks of this frame in the order in which they want a look. */
  get leastSure() {
    return leastSure(this.names, reaches(this.film, this.frame), this.doubted);
  }

  order(unsureFirst) {
    this.unsureFirst = unsureFirst;
    this.inTurn = unsureFirst ? this.leastSure : this.names;
    this.tell("order");
  }

  /** Chooses the landmark that wants a look most of those that are still the model's. */
  lookAtWorst() {
    const { leastSure: order } = this;
    const waiting = order.filter((name) => this.mark(name)?.origin === "model");
    const after = order.slice(order.indexOf(this.chosen) + 1);
    const next = waiting.find((name) => after.includes(name)) ?? waiting[0];
    if (next) return this.choose(next);
    return this.say("No mark of the model is left here that nobody has looked at.");
  }

  pick(quantity) {
    this.quantity = quantity === this.quantity ? "" : quantity;
    this.tell("quantity");
  }

  // --- marking ---------------------------------------------------------------------------------

  /** Whether marks can be changed; says why where not. */
  may() {
    if (this.reading.editable) return true;
    this.say(
      this.reading.signature
        ? "This reading is signed: it can be read, not changed."
        : "This reading is another's: it can be read, not changed.",
    );
    return false;
  }

  inside(x, y) {
    const within = (value, size) => Math.min(size - 0.5, Math.max(-0.5, value));
    return [within(x, this.film.width), within(y, this.film.height)];
  }

  /** Shows the chosen landmark elsewhere; `finish` makes an event of it. */
  move(x, y) {
    const state = this.mark()?.state === "occluded" ? "occluded" : "visible";
    this.reading.sketch(placed(this.chosen, this.frame, ...this.inside(x, y), state));
  }

  nudge(dx, dy) {
    const mark = this.mark();
    if (!mark || mark.x === null || !this.may()) return;
    this.move(rounded(mark.x + dx), rounded(mark.y + dy));
    clearTimeout(this.gathering);
    this.gathering = setTimeout(() => this.finish(), GATHER_MS);
  }

  /** What was being done is done: one event. */
  finish() {
    clearTimeout(this.gathering);
    this.dragged = "";
    if (this.reading.draft.size > 0) this.reading.commit();
  }

  change(after, name = this.chosen) {
    if (!name || !this.may()) return false;
    this.finish();
    this.reading.add([{ before: this.mark(name), after }]);
    return true;
  }

  place(x, y, name = this.chosen) {
    return this.change(placed(name, this.frame, ...this.inside(x, y), this.placing), name);
  }

  markAbsent() {
    if (this.change(absent(this.chosen, this.frame)))
      this.say(`${this.titles.get(this.chosen)} is marked absent.`);
  }

  /** Occluded or visible, where it is; from absent, where it was or where the model saw it. */
  markState(state) {
    if (!this.chosen) return;
    const at = this.mark()?.x != null ? this.mark() : this.lastPlace(this.chosen);
    if (!at) {
      this.placing = this.placing === state ? "visible" : state;
      this.say(`Click where ${this.titles.get(this.chosen)} is.`);
      this.tell("choice");
      return;
    }
    if (this.change(placed(this.chosen, this.frame, at.x, at.y, state)))
      this.say(`${this.titles.get(this.chosen)} is ${state}.`);
  }

  predictedAt(name) {
    return this.film.predictions.find(
      (each) => each.landmark === name && each.frame === this.frame,
    );
  }

  lastPlace(name) {
    const was = (change) =>
      change.before?.landmark === name && change.before.frame === this.frame && change.before.x !== null;
    const changes = [...this.reading.events, ...this.reading.pending].flatMap((e) => e.changes);
    return changes.findLast(was)?.before ?? this.predictedAt(name);
  }

  /** Back to where the model saw it, as the model's own mark. */
  asPredicted() {
    const predicted = this.predictedAt(this.chosen);
    if (!predicted) return this.say("The model says nothing of this landmark here.");
    const { landmark, frame, x, y } = predicted;
    return this.change({ landmark, frame, state: "visible", x, y, origin: "model" });
  }

  /** Begins a frame with the marks of the last one that has any; what is marked here stays. */
  carry() {
    if (!this.may()) return;
    this.finish();
    const from = markedBeside(this.reading, this.frame, -1);
    if (from < 0) return this.say("No frame before this one is marked.");
    const changes = carried(this.reading, from, this.frame);
    if (changes.length === 0) return this.say("Every landmark is marked here already.");
    this.reading.add(changes, "marks", `copied from frame ${from + 1}`);
    const points = changes.length === 1 ? "one point" : `${changes.length} points`;
    this.say(`Copied ${points} from frame ${from + 1}: move what has moved.`);
  }

  swap() {
    if (!this.may()) return;
    this.finish();
    const changes = swapped(this.marks, this.protocol.mirror);
    if (changes.length === 0) {
      this.say("This scheme has no left and right to swap, or nothing is marked of them.");
      return;
    }
    this.reading.add(changes);
    this.say("Left and right have changed places.");
  }

  undo(redo = false) {
    if (!this.may()) return;
    this.finish();
    const made = redo ? this.reading.redo() : this.reading.undo();
    const verb = redo ? "redo" : "undo";
    if (made === null) this.say(`There is nothing of yours to ${verb}.`);
    else if (made === false)
      this.say(`That step cannot be ${redo ? "redone" : "undone"}: another change lies over it.`);
    else this.say(redo ? "Redone." : "Undone.");
  }
}
