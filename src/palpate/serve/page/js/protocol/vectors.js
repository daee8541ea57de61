// Directions and places as [x, y]; x to the right, y down the film.
// Twin of palpate.geometry.angles, lines and polylines.

const DEGREES = 180 / Math.PI;

/** Why a formula has no answer here, in words for the reader. */
export class NoAnswer extends Error {}

export const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];
export const plus = (a, b) => [a[0] + b[0], a[1] + b[1]];
export const times = (a, factor) => [a[0] * factor, a[1] * factor];
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
export const cross = (a, b) => a[0] * b[1] - a[1] * b[0];
export const norm = (a) => Math.sqrt(a[0] * a[0] + a[1] * a[1]);

/** The direction with length 1. */
export function unit(a) {
  // Scaled first, so that neither tiny nor huge coordinates under- or overflow when squared.
  const largest = Math.max(Math.abs(a[0]), Math.abs(a[1]));
  if (!(largest > 0)) throw new NoAnswer("the two points of a line coincide");
  const scaled = [a[0] / largest, a[1] / largest];
  const length = norm(scaled);
  return [scaled[0] / length, scaled[1] / length];
}

/** Mean of some places. */
export function middle(places) {
  let x = 0;
  let y = 0;
  for (const place of places) {
    x += place[0];
    y += place[1];
  }
  return [x / places.length, y / places.length];
}

/** Unsigned angle between two directions in degrees, 0 to 180. */
export function angleBetween(u, v) {
  const a = unit(u);
  const b = unit(v);
  return 2 * Math.atan2(norm(minus(a, b)), norm(plus(a, b))) * DEGREES;
}

/** Signed angle that turns u into v in degrees, (-180, 180]; clockwise on the film is positive. */
export function turn(u, v) {
  const a = unit(u);
  const b = unit(v);
  const angle = Math.atan2(cross(a, b), dot(a, b)) * DEGREES;
  return angle === -180 ? 180 : angle;
}

/** Distance of a point from an infinite line, positive on the right hand of the way. */
export function distanceToLine(point, start, end) {
  return cross(unit(minus(end, start)), minus(point, start));
}

/** Distance of every place from the chord that joins the first and the last, with sign. */
export function polylineHeights(places) {
  const along = unit(minus(places[places.length - 1], places[0]));
  return places.map((place) => cross(along, minus(place, places[0])));
}

/** Where the largest number is; the first of equal ones. */
export function argmax(numbers) {
  let best = 0;
  numbers.forEach((number, i) => {
    if (number > numbers[best]) best = i;
  });
  return best;
}
