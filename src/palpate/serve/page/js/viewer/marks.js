/**
 * Marks and changes of marks: plain objects as the server has them.
 *
 * @typedef {object} Mark
 * @property {string} landmark
 * @property {number} frame
 * @property {"visible" | "occluded" | "absent"} state
 * @property {number | null} x - px, 0 at the centre of the first pixel; null where absent
 * @property {number | null} y
 * @property {"model" | "person"} origin
 *
 * @typedef {{before: Mark | null, after: Mark | null}} Change
 */

// A thousandth of a pixel is finer than any hand; sums of tenths stay round.
const THOUSAND = 1000;

export const rounded = (value) => Math.round(value * THOUSAND) / THOUSAND;

export const keyOf = (mark) => `${mark.frame}/${mark.landmark}`;

/** Where a person put a landmark. */
export function placed(landmark, frame, x, y, state = "visible") {
  return { landmark, frame, state, x: rounded(x), y: rounded(y), origin: "person" };
}

/** What a person says is not in the image. */
export function absent(landmark, frame) {
  return { landmark, frame, state: "absent", x: null, y: null, origin: "person" };
}

export function same(a, b) {
  if (!a || !b) return (a ?? null) === (b ?? null);
  return ["landmark", "frame", "state", "x", "y", "origin"].every((part) => a[part] === b[part]);
}

export const reversed = (changes) =>
  changes.map(({ before, after }) => ({ before: after, after: before }));

/** Marks with changes made; the map given stays as it is. */
export function applied(marks, changes) {
  const out = new Map(marks);
  for (const { before, after } of changes) {
    const key = keyOf(after ?? before);
    if (after) out.set(key, after);
    else out.delete(key);
  }
  return out;
}

/**
 * Changes that make left right and right left in one frame.
 *
 * @param {Map<string, Mark>} marks - of the frame, by landmark
 * @param {[string, string][]} pairs
 * @returns {Change[]}
 */
export function swapped(marks, pairs) {
  return pairs.flatMap(([left, right]) => {
    const [a, b] = [marks.get(left) ?? null, marks.get(right) ?? null];
    return [
      { before: a, after: b && { ...b, landmark: left, origin: "person" } },
      { before: b, after: a && { ...a, landmark: right, origin: "person" } },
    ].filter(({ before, after }) => (before || after) && !same(before, after));
  });
}
