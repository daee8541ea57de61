// Every quantity of a protocol at some points, without uncertainty: what a page shows while a
// point is dragged. Twin of palpate.protocols.measure.measure_points; needs no page.
//
//   const rows = measure(protocol, points, {spacing, size});
//   // -> [{name, value: number or null, reason: text or null, note}], in the protocol's order
//
// protocol: as GET /api/projects/{project}/protocol gives it (palpate.serve.protocol_json).
// points: Map or object, name -> {x, y, state} in px of the film; a point whose state is "absent"
//   (or 0), that is null, or has no finite x and y, is absent.
// spacing: [x, y] mm of a pixel, or null where the film is not calibrated.
// size: [width, height] of the film in px, or null.

import { facingOf, noFacing } from "./facing.js";
import { evaluate } from "./formulas.js";
import { NoAnswer } from "./vectors.js";

export const NOT_CALIBRATED =
  "the image is not calibrated: it carries no pixel spacing, so no length in mm";

/** Measure all quantities. */
export function measure(protocol, points, { spacing = null, size = null } = {}) {
  const film = filmOf(points, spacing, size);
  return protocol.quantities.map((quantity) => measureOne(protocol, quantity, film));
}

/** The same of one quantity, for a page that needs no more. */
export function measureQuantity(protocol, quantity, points, { spacing = null, size = null } = {}) {
  return measureOne(protocol, quantity, filmOf(points, spacing, size));
}

/** Name of the class that a value is in; null where the quantity has none. */
export function classOf(quantity, value) {
  if (quantity.classes === null || value === null) return null;
  const { names, limits } = quantity.classes;
  const unturned = quantity.sense * value;
  return names[limits.filter((limit) => unturned >= limit).length];
}

/** Whether a value is outside the usual range; null where there is none. */
export function isUnusual(quantity, value) {
  if (quantity.normal === null || value === null) return null;
  return value < quantity.normal.low || value > quantity.normal.high;
}

/** Present points in px: Map of name -> [x, y]. */
export function presentPoints(points) {
  const entries = points instanceof Map ? points.entries() : Object.entries(points);
  const at = new Map();
  for (const [name, point] of entries) {
    if (!point || point.state === "absent" || point.state === 0) continue;
    if (Number.isFinite(point.x) && Number.isFinite(point.y)) at.set(name, [point.x, point.y]);
  }
  return at;
}

/** What a formula works in: {scene, scale}, or {reason} where it cannot. */
export function sceneOf(protocol, quantity, film) {
  const missing = quantity.needs.filter((name) => !film.px.has(name));
  if (missing.length > 0) return { reason: `landmark not found: ${missing.join(", ")}` };
  if (quantity.unit === "mm" && film.spacing === null) return { reason: NOT_CALIBRATED };
  const square = film.spacing === null || quantity.unit === "px";
  const at = square ? film.px : film.mm;
  const scale = square ? [1, 1] : film.spacing;
  let facing = 1;
  if (quantity.faces && protocol.facing !== null) {
    facing = facingOf(protocol.facing, at);
    if (facing === null) return { reason: noFacing(protocol.facing, at) };
  }
  const height = film.size === null ? null : scale[1] * film.size[1];
  return { scene: { at, facing, height }, scale };
}

/** The points once in px and once in mm. */
export function filmOf(points, spacing, size) {
  const px = presentPoints(points);
  const mm = spacing === null ? null : new Map();
  if (mm !== null) {
    for (const [name, [x, y]] of px) mm.set(name, [spacing[0] * x, spacing[1] * y]);
  }
  return { px, mm, spacing, size };
}

function measureOne(protocol, quantity, film) {
  const { name } = quantity;
  const { scene, reason } = sceneOf(protocol, quantity, film);
  if (reason !== undefined) return { name, value: null, reason, note: "" };
  try {
    const { value, note } = evaluate(quantity.formula, scene);
    // Adding zero turns -0 into 0.
    return { name, value: quantity.sense * quantity.factor * value + 0, reason: null, note };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { name, value: null, reason: error.message, note: "" };
  }
}
