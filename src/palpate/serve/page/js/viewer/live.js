/** The numbers of the points as they are shown: the protocol's own formulas, in the browser. */
import { isUnusual, measure } from "../protocol/measure.js";

export { isUnusual };

/**
 * @param {import("./desk.js").Desk} desk
 * @returns {Map<string, {name: string, value: number | null, reason: string | null}>}
 */
export function live(desk) {
  const rows = measure(desk.protocol, desk.marks, {
    spacing: desk.film.spacing_mm,
    size: [desk.film.width, desk.film.height],
  });
  return new Map(rows.map((row) => [row.name, row]));
}
