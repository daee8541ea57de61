/** How sure the model is of its landmarks, and which of them want a look first. */
import { ellipse } from "./ellipse.js";

/**
 * Longer half axis of the ellipse of every landmark that the model found in a frame, in mm where
 * the film is calibrated, else in px.
 *
 * @param {object} film - predictions, ellipse, spacing_mm
 * @param {number} frame
 * @returns {Map<string, number>}
 */
export function reaches({ predictions, ellipse: radii, spacing_mm: spacing }, frame) {
  const [sx, sy] = spacing ?? [1, 1];
  return new Map(predictions.filter((each) => each.frame === frame)
    .map(({ landmark, covariance: [xx, xy, yy] }) =>
      [landmark, ellipse([xx * sx * sx, xy * sx * sy, yy * sy * sy], radii[landmark] ?? 4.605).major]));
}

/**
 * Names in the order in which they want a look: those whose place is implausible, then the least
 * sure, then those of which the model says nothing.
 *
 * @param {string[]} names @param {Map<string, number>} reach @param {Set<string>} doubted
 */
export function leastSure(names, reach, doubted) {
  const weight = (name) => (doubted.has(name) ? Infinity : (reach.get(name) ?? -1));
  const ranks = new Map(names.map((name, i) => [name, i]));
  return [...names].sort((a, b) =>
    weight(a) === weight(b) ? ranks.get(a) - ranks.get(b) : weight(b) - weight(a));
}

/**
 * Whether so many ellipses lie over each other that they hide the film more than they tell:
 * together they are larger than the box that holds the points.
 */
export function crowded(predictions) {
  if (predictions.length < 3) return false;
  const area = predictions.reduce((sum, { covariance: [xx, xy, yy] }) =>
    sum + Math.PI * 4.605 * Math.sqrt(Math.max(0, xx * yy - xy * xy)), 0);
  const extent = (axis) => {
    const all = predictions.map((each) => each[axis]);
    return Math.max(...all) - Math.min(...all);
  };
  return area > extent("x") * extent("y");
}
