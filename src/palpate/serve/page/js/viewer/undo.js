/**
 * What can be undone and redone, read off the events: it survives saving and reloading.
 *
 * @param {{kind: string, changes: import("./marks.js").Change[]}[]} events - of one reader
 * @returns {{undo: object[][], redo: object[][]}} changes as they were made, the next one last
 */
import { reversed } from "./marks.js";

const MADE = new Set(["marks", "adjudicate"]);

export function stacks(events) {
  const undo = [];
  let redo = [];
  for (const { kind, changes } of events) {
    if (MADE.has(kind)) {
      undo.push(changes);
      redo = [];
    } else if (kind === "undo") {
      undo.pop();
      redo.push(reversed(changes));
    } else if (kind === "redo") {
      redo.pop();
      undo.push(changes);
    }
  }
  return { undo, redo };
}
