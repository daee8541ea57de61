/** What of a clip is marked already: frames with points, and points taken over from the last. */
import { same } from "./marks.js";

/** Frames that hold a mark, ascending. @param {import("./reading.js").Reading} reading */
export function markedFrames(reading) {
  return [...new Set([...reading.shown()].map(({ frame }) => frame))].sort((a, b) => a - b);
}

/** The marked frame before (or after) one; -1 where there is none. */
export function markedBeside(reading, frame, by) {
  const frames = markedFrames(reading);
  return (by < 0 ? frames.findLast((each) => each < frame) : frames.find((each) => each > frame)) ?? -1;
}

/**
 * Changes that put into a frame, for every landmark that has no mark there, the mark of another.
 *
 * @param {import("./reading.js").Reading} reading
 * @param {number} from @param {number} to - frames
 */
export function carried(reading, from, to) {
  const here = reading.marks(to);
  return [...reading.marks(from).values()]
    .filter(({ landmark }) => !here.has(landmark))
    .map((mark) => ({ before: null, after: { ...mark, frame: to, origin: "person" } }))
    .filter(({ before, after }) => !same(before, after));
}
