/**
 * Saves events one after another, in the background. An event stays until the server said that
 * it is on disk; with a lost connection it is sent again under the same key, so that it is saved
 * once. Tells 'state' with one of: saved, saving, waiting, conflict, refused.
 */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class Saver extends EventTarget {
  /**
   * @param {import("./reading.js").Reading} reading
   * @param {(event: object) => Promise<object>} post - throws a Refusal
   * @param {{getItem: Function, setItem: Function, removeItem: Function}} memory - of this tab
   * @param {string} name - under which events that wait are kept there
   */
  constructor(reading, post, memory, name) {
    super();
    Object.assign(this, { reading, post, memory, name });
    this.state = "saved";
    this.wait = FIRST_WAIT_MS;
    /** @type {import("../refusal.js").Refusal | null} */
    this.refusal = null;
    reading.addEventListener("events", () => this.kick());
    window.addEventListener("online", () => this.again());
  }

  /** Takes up what this tab had not saved when the page was left. */
  recover() {
    const kept = JSON.parse(this.memory.getItem(this.name) ?? "[]");
    if (kept.length === 0) return 0;
    this.reading.pending = kept;
    this.reading.tell();
    this.kick();
    return kept.length;
  }

  get unsaved() {
    return this.reading.pending.length;
  }

  /** Whether all is on disk, told once it is or once it has to wait. */
  settled() {
    return new Promise((resolve) => {
      const look = () => {
        if (this.unsaved > 0 && this.state === "saving") return;
        this.removeEventListener("state", look);
        resolve(this.unsaved === 0);
      };
      this.addEventListener("state", look);
      look();
    });
  }

  keep() {
    try {
      if (this.unsaved === 0) this.memory.removeItem(this.name);
      else this.memory.setItem(this.name, JSON.stringify(this.reading.pending));
    } catch {
      // Storage that is switched off or full: the work is kept by the page alone.
    }
  }

  turn(state, refusal = null) {
    this.state = state;
    this.refusal = refusal;
    this.dispatchEvent(new Event("state"));
  }

  /** Tries at once, whatever came before. */
  again() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.state === "waiting" || this.state === "refused") this.turn("saved");
    this.kick();
  }

  async kick() {
    this.keep();
    if (this.state === "waiting") this.turn("waiting", this.refusal); // one more waits
    if (this.busy || this.timer || this.state === "conflict" || this.state === "refused") return;
    this.busy = true;
    try {
      while (this.unsaved > 0 && (await this.send(this.reading.pending[0])));
    } finally {
      this.busy = false;
    }
    if (this.unsaved === 0) this.turn("saved");
  }

  /** Sends one event; whether the next may follow. */
  async send(event) {
    if (this.state !== "waiting") this.turn("saving");
    try {
      const saved = await this.post({ after: this.reading.step, ...event });
      this.wait = FIRST_WAIT_MS;
      this.reading.accept(event, saved);
      this.keep();
      this.turn("saving");
      return true;
    } catch (refusal) {
      if (refusal.status === undefined) throw refusal;
      if (refusal.status === 409 && refusal.body.reading) this.turn("conflict", refusal);
      else if (refusal.passing || refusal.status === 401) this.later(refusal);
      else this.turn("refused", refusal);
      return false;
    }
  }

  later(refusal) {
    this.turn("waiting", refusal);
    this.timer = setTimeout(() => this.again(), Math.max(this.wait, 1000 * refusal.retryAfter));
    this.wait = Math.min(LONGEST_WAIT_MS, 2 * this.wait);
  }

  /** After a conflict: what was not saved goes on top of what came in between. */
  onTop() {
    const { reading } = this.refusal.body;
    this.turn("saved");
    this.reading.rebase(reading);
    this.kick();
  }

  /** After a conflict or a refusal: what was not saved is given up, by the reader's own choice. */
  giveUp(message) {
    this.turn("saved");
    this.reading.yield(message);
    this.keep();
    this.turn("saved");
  }
}
