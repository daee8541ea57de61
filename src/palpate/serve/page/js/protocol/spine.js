// Which vertebrae the AASCE challenge takes its Cobb angles between. Twin of palpate.geometry.spine.
// A vertebra is its corners: top left, top right, bottom left, bottom right, as the film is seen.

import { argmax, cross, middle, minus, norm, plus, unit } from "./vectors.js";

/** Whether the spine lies on both sides of the chord between its two ends. */
export function isSShaped(corners) {
  const middles = corners.flatMap(([tl, tr, bl, br]) => [middle([tl, tr]), middle([bl, br])]);
  const last = middles[middles.length - 1];
  const chord = minus(middles[0], last);
  const sides = middles.slice(1, -2).map((point) => cross(chord, minus(point, last)));
  return sides.some((side) => side > 0) && sides.some((side) => side < 0);
}

/** {main, second, third, distal: [upper, lower], low}, counted from 0 at the top. */
export function cobbPairs(corners, filmHeight) {
  const lines = corners.map(([tl, tr, bl, br]) =>
    unit(minus(middle([tr, br]), middle([tl, bl]))),
  );
  const angle = (a, b) => 2 * Math.atan2(norm(minus(a, b)), norm(plus(a, b)));
  const rows = lines.map((a) => lines.map((b) => angle(a, b)));
  const last = lines.length - 1;
  // The first of equal pairs, reading row by row, so that i is above j.
  const row = argmax(rows.map((angles) => Math.max(...angles)));
  const column = argmax(rows[row]);
  const [i, j] = [Math.min(row, column), Math.max(row, column)];
  const above = argmax(rows[i].slice(0, i + 1));
  const below = j + argmax(rows[j].slice(j));
  const distal = [j, below];
  if (!isSShaped(corners)) {
    return { main: [i, j], second: [0, i], third: [j, last], distal, low: false };
  }
  const bottom = (k) => (corners[k][2][1] + corners[k][3][1]) / 2;
  if (bottom(i) + bottom(j) < filmHeight) {
    return { main: [i, j], second: [above, i], third: [j, below], distal, low: false };
  }
  const top = argmax(rows[above].slice(0, above + 1));
  return { main: [i, j], second: [above, i], third: [top, above], distal, low: true };
}
