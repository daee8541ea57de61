import { keyOf, placed } from "../viewer/marks.js";
import { Reading } from "../viewer/reading.js";

const WEIGHT = { adjudicate: 1, redo: 1, undo: -1 };

/**
 * The reading that is agreed on: what the reviewer sets in it is adjudicated, and a landmark
 * counts as settled once it was.
 */
export class Settlement extends Reading {
  add(changes, kind = "marks", note = "") {
    super.add(changes, kind === "marks" ? "adjudicate" : kind, note);
  }

  /** Keys of the marks that were adjudicated, and not taken back. */
  adjudicated() {
    const count = new Map();
    for (const { kind, changes } of [...this.events, ...this.pending])
      for (const { before, after } of changes) {
        const key = keyOf(after ?? before);
        count.set(key, (count.get(key) ?? 0) + (WEIGHT[kind] ?? 0));
      }
    return new Set([...count].filter(([, times]) => times > 0).map(([key]) => key));
  }

  /** Sets marks as agreed, in one event, with a word on where they come from. */
  settle(marks, note) {
    const changes = marks.map((after) => ({
      before: this.mark(after.frame, after.landmark), after }));
    this.add(changes, "adjudicate", note);
  }
}

/** A reader's mark, as the reviewer's own. */
export function taken(mark) {
  return { ...mark, origin: "person" };
}

/** The mean of the readers' places. */
export function meanMark(landmark, frame, { mean }) {
  return placed(landmark, frame, mean.x, mean.y);
}
