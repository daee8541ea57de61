/**
 * A reading as the page shows it: what is saved, then what was done and is not saved yet, then
 * what is being done just now. Nothing is shown that is not in one of the three.
 *
 * Tells 'marks' when what is shown changes, and 'events' when there is something to save.
 */
import { applied, keyOf, reversed, same } from "./marks.js";
import { stacks } from "./undo.js";

const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export class Reading extends EventTarget {
  /** @param {object} message - as the server sends it @param {string} who - account */
  constructor(message, who) {
    super();
    this.who = who;
    /** @type {{key: string, kind: string, changes: object[], note: string}[]} not saved yet */
    this.pending = [];
    /** @type {Map<string, object>} marks after the drag or the nudges that go on */
    this.draft = new Map();
    this.take(message);
  }

  /** Takes the reading as the server has it now. */
  take(message) {
    this.name = message.reading;
    this.step = message.step;
    this.state = message.state;
    this.editable = message.editable;
    this.signature = message.signature;
    this.events = [...message.events];
    this.measurements = message.measurements;
    this.saved = new Map(message.marks.map((mark) => [keyOf(mark), mark]));
    this.tell();
  }

  tell() {
    this.waiting = this.pending.reduce((marks, event) => applied(marks, event.changes), this.saved);
    this.dispatchEvent(new Event("marks"));
  }

  /** The mark that is shown, or null. */
  mark(frame, landmark) {
    const key = `${frame}/${landmark}`;
    return this.draft.get(key) ?? this.waiting.get(key) ?? null;
  }

  /** Every mark that is shown, of all frames. */
  *shown() {
    for (const [key, mark] of this.waiting) yield this.draft.get(key) ?? mark;
    for (const [key, mark] of this.draft) if (!this.waiting.has(key)) yield mark;
  }

  /** Marks of a frame by landmark. */
  marks(frame) {
    const found = new Map();
    for (const marks of [this.waiting, this.draft])
      for (const mark of marks.values()) if (mark.frame === frame) found.set(mark.landmark, mark);
    return found;
  }

  /** Whether the official measurements are of the marks that are shown. */
  get settled() {
    return this.pending.length === 0 && this.draft.size === 0;
  }

  /** Shows a mark where the hand has it, before anything is said to the server. */
  sketch(mark) {
    this.draft.set(keyOf(mark), mark);
    this.dispatchEvent(new Event("marks"));
  }

  /** Drops what was being done: the hand let go without meaning it. */
  unsketch() {
    this.draft.clear();
    this.dispatchEvent(new Event("marks"));
  }

  /** Makes one event of what was being done. */
  commit() {
    const changes = [...this.draft].map(([key, after]) => ({
      before: this.waiting.get(key) ?? null,
      after,
    }));
    this.draft.clear();
    this.add(changes);
  }

  /** Appends an event; changes that change nothing are none. */
  add(changes, kind = "marks", note = "") {
    const real = changes.filter(({ before, after }) => !same(before, after));
    if (real.length > 0 || kind === "comment")
      this.pending.push({ key: randomKey(), kind, changes: real, note });
    this.tell();
    this.dispatchEvent(new Event("events"));
  }

  /** What this reader can undo and redo now. */
  get stacks() {
    const mine = this.events.filter((event) => event.who === this.who);
    return stacks([...mine, ...this.pending]);
  }

  /** Whether the marks are still as a step left them, so that it can be taken back. */
  stands(changes) {
    return changes.every(({ before, after }) =>
      same(this.waiting.get(keyOf(after ?? before)), after),
    );
  }

  /** Takes the last step back; false where another's work lies over it, null where none is left. */
  undo() {
    return this.travel(this.stacks.undo.at(-1), "undo", true);
  }

  redo() {
    return this.travel(this.stacks.redo.at(-1), "redo", false);
  }

  travel(changes, kind, back) {
    if (!changes) return null;
    const made = back ? reversed(changes) : changes;
    if (!this.stands(reversed(made))) return false;
    this.add(made, kind);
    return made;
  }

  /** The first event that waits is on disk. */
  accept(event, { step, number, measurements }) {
    this.pending = this.pending.filter((each) => each !== event);
    this.saved = applied(this.saved, event.changes);
    this.step = step;
    this.measurements = { ...this.measurements, ...measurements };
    if (this.state === "new") this.state = "open";
    const when = new Date().toISOString();
    this.events.push({ ...event, number, step, when, who: this.who, digest: "" });
    this.tell();
  }

  /** Takes another's work and lays what was not saved yet over it, as new events. */
  rebase(message) {
    const mine = this.pending;
    this.pending = [];
    this.take(message);
    for (const { kind, changes, note } of mine) {
      this.add(
        changes.map(({ before, after }) => ({
          before: this.waiting.get(keyOf(after ?? before)) ?? null,
          after,
        })),
        kind === "comment" ? kind : "marks",
        note,
      );
    }
  }

  /** Takes another's work and gives up what was not saved yet. */
  yield(message) {
    this.pending = [];
    this.draft.clear();
    this.take(message);
  }
}
