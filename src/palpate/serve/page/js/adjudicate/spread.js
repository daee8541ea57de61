/**
 * How far apart readers are. Pure: no page, no server.
 *
 * @typedef {import("../viewer/marks.js").Mark} Mark
 *
 * @typedef {object} Comparison
 * @property {{x: number, y: number} | null} mean - of those who placed it, px
 * @property {{px: number, mm: number | null} | null} apart - of the two furthest from each other;
 *   null where fewer than two placed it
 * @property {{px: number, mm: number | null} | null} spread - root of the mean squared distance
 *   from the mean
 * @property {Map<string, {px: number, mm: number | null}>} distances - from the mean, by reader
 * @property {boolean} disputed - some placed it and others did not
 */

/** Length of a step in px, and in mm where the pixel's size is known. */
export function lengthOf([dx, dy], spacing) {
  return {
    px: Math.hypot(dx, dy),
    mm: spacing ? Math.hypot(dx * spacing[0], dy * spacing[1]) : null,
  };
}

/**
 * Compares the marks of one landmark of one frame.
 *
 * @param {Map<string, Mark | null>} marks - by reader; null where the reader has set none
 * @param {[number, number] | null} spacing - mm of a pixel along x and y
 * @returns {Comparison}
 */
export function compare(marks, spacing) {
  const present = [...marks].filter(([, mark]) => mark && mark.x !== null);
  const mean = meanOf(present.map(([, mark]) => mark));
  const distances = new Map(present.map(([reader, mark]) =>
    [reader, lengthOf([mark.x - mean.x, mark.y - mean.y], spacing)]));
  return {
    mean,
    distances,
    apart: furthest(present.map(([, mark]) => mark), spacing),
    spread: present.length < 2 ? null : squareMean([...distances.values()]),
    disputed: present.length > 0 && present.length < marks.size,
  };
}

function meanOf(marks) {
  if (!marks.length) return null;
  const sum = (part) => marks.reduce((total, mark) => total + mark[part], 0);
  return { x: sum("x") / marks.length, y: sum("y") / marks.length };
}

function furthest(marks, spacing) {
  let most = null;
  for (const [row, a] of marks.entries())
    for (const b of marks.slice(row + 1)) {
      const apart = lengthOf([a.x - b.x, a.y - b.y], spacing);
      most = most === null ? apart
        : { px: Math.max(most.px, apart.px), mm: spacing && Math.max(most.mm, apart.mm) };
    }
  return most;
}

function squareMean(lengths) {
  const of = (part) =>
    Math.sqrt(lengths.reduce((total, each) => total + each[part] ** 2, 0) / lengths.length);
  return { px: of("px"), mm: lengths.every(({ mm }) => mm !== null) ? of("mm") : null };
}

/**
 * Largest difference between values, the short way round where they are directions.
 *
 * @param {(number | null)[]} values - null where not measured
 * @param {number | null} period - 360 of directions
 * @returns {number | null} null where fewer than two were measured
 */
export function difference(values, period = null) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return null;
  let most = 0;
  for (const [row, a] of known.entries())
    for (const b of known.slice(row + 1)) {
      const apart = Math.abs(a - b);
      const way = period ? Math.min(apart % period, period - (apart % period)) : apart;
      most = Math.max(most, way);
    }
  return most;
}
