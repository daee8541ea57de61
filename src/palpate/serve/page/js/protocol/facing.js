// Which way the patient faces, from the landmarks. Twin of palpate.protocols.facing.

import { cross, minus, norm, plus } from "./vectors.js";

// Below this sine of the angle between 'front' and 'down' the direction is not clear.
const CLEAR = 0.1;

/** +1 where the upright patient looks to the film's right, -1 to its left; null where not clear. */
export function facingOf(rule, at) {
  const front = sumOf(rule.front_back, at, -1);
  const down = sumOf(rule.top_bottom, at, 1) ?? [0, 1];
  if (front === null) return null;
  const area = cross(front, down);
  if (Math.abs(area) <= CLEAR * (norm(front) * norm(down))) return null;
  return area > 0 ? 1 : -1;
}

/** Why the patient's front is not known. */
export function noFacing(rule, at) {
  const missing = rule.front_back.flat().filter((name) => !at.has(name));
  if (missing.length > 0) {
    return `which way the patient faces is not known; landmark not found: ${missing.join(", ")}`;
  }
  return "which way the patient faces is not clear from the landmarks";
}

function sumOf(pairs, at, sign) {
  let sum = null;
  for (const [a, b] of pairs) {
    if (!at.has(a) || !at.has(b)) continue;
    const way = minus(at.get(b), at.get(a)).map((part) => sign * part);
    sum = sum === null ? way : plus(sum, way);
  }
  return sum;
}
