// What of a measurement is drawn on the film; in px of the film, needs no page.
//
//   const shapes = drawn(protocol, quantity, points, {spacing, size});
//
// protocol, points, spacing and size as for measure(); quantity is one of protocol.quantities or its
// name. A list of these, empty where the quantity cannot be measured:
//
//   {kind: "line", role, from: [x, y], to: [x, y]}
//   {kind: "polyline", role, points: [[x, y], ...]}
//   {kind: "arc", role, centre: [x, y], points: [[x, y], ...]}   drawn through its points: where
//       pixels are not square, an arc of the anatomy is none of the film
//   {kind: "circle", role, centre: [x, y], rx, ry}
//   {kind: "text", role, at: [x, y], anchor, value, unit, text}   anchor: which end of the text is
//       there, "start" or "end", so that it runs away from what it tells of
//
// role: "measured" is what the value is the length or the angle of; "against" what a ratio divides
// by; "line" what the landmarks span; "extension" a line beyond its landmarks, "axis" the film's
// own directions, parallels and plumb lines (both dashed, best); "value" the text.

import { distancesFrom, fitCircle } from "./circles.js";
import { TURNS, axisOf, cobbLines, deepest, direction, farthest, position } from "./formulas.js";
import { filmOf, measureQuantity, sceneOf } from "./measure.js";
import {
  argmax, cross, dot, middle, minus, norm, plus, polylineHeights, times, turn, unit,
} from "./vectors.js";

// Lines that meet farther away than so many times their own extent, or off the film, are not drawn
// to where they meet.
const FAR = 1;
const STEPS = 32;

/** Shapes of one quantity. */
export function drawn(protocol, quantity, points, { spacing = null, size = null } = {}) {
  const chosen =
    typeof quantity === "string"
      ? protocol.quantities.find(({ name }) => name === quantity)
      : quantity;
  const row = measureQuantity(protocol, chosen, points, { spacing, size });
  if (row.value === null) return [];
  const { scene, scale } = sceneOf(protocol, chosen, filmOf(points, spacing, size));
  const film = size === null ? null : {
    low: scale.map((unitOf) => -0.5 * unitOf),
    high: scale.map((unitOf, k) => (size[k] - 0.5) * unitOf),
  };
  const shapes = DRAWINGS[chosen.formula.kind](chosen.formula, { ...scene, film });
  const text = {
    kind: "text", role: "value", ...labelPlace(shapes), value: row.value, unit: chosen.unit,
    text: valueText(row.value, chosen),
  };
  return [...shapes, text].map((shape) => inPixels(shape, scale));
}

/** The value as it stands beside a drawing. */
function valueText(value, { unit: given, gives }) {
  if (gives === "side") return value > 0 ? "in front" : "behind";
  const shown = value.toFixed(given === "1" ? 2 : 1);
  if (given === "deg") return `${shown}°`;
  return given === "1" ? shown : `${shown} ${given}`;
}

/** Beside the middle of the first arc, else the middle of what is measured. */
function labelPlace(shapes) {
  const arc = shapes.find(({ kind }) => kind === "arc");
  if (arc) {
    const way = times(minus(arc.points[STEPS / 2], arc.centre), 1.25);
    return { at: plus(arc.centre, way), anchor: way[0] < 0 ? "end" : "start" };
  }
  const shape = shapes.find(({ role }) => role === "measured") ?? shapes[0];
  const at =
    shape.kind === "line"
      ? middle([shape.from, shape.to])
      : shape.points[Math.floor(shape.points.length / 2)];
  return { at, anchor: "start" };
}

function inPixels(shape, [sx, sy]) {
  const place = ([x, y]) => [x / sx, y / sy];
  const moved = { ...shape };
  for (const key of ["from", "to", "centre", "at"]) if (key in shape) moved[key] = place(shape[key]);
  if ("points" in shape) moved.points = shape.points.map(place);
  if (shape.kind === "circle") {
    moved.rx = shape.radius / sx;
    moved.ry = shape.radius / sy;
    delete moved.radius;
  }
  return moved;
}

// ---- parts

const lineOf = (role, from, to) => ({ kind: "line", role, from, to });
const span = (scene, line) => line.map((place) => position(scene, place));
const turnedBy = ([x, y], angle) => [
  x * Math.cos(angle) - y * Math.sin(angle),
  x * Math.sin(angle) + y * Math.cos(angle),
];

/** Arc about a centre, from one direction the short way to another. */
function arcOf(centre, radius, from, to) {
  const start = times(unit(from), radius);
  const sweep = (turn(from, to) * Math.PI) / 180;
  const points = Array.from({ length: STEPS + 1 }, (_, k) =>
    plus(centre, turnedBy(start, (sweep * k) / STEPS)),
  );
  return { kind: "arc", role: "measured", centre, points };
}

/** Where a line's own course passes a place: where along it, 0 at its start and 1 at its end. */
function alongOf([start, end], place) {
  const way = minus(end, start);
  return dot(minus(place, start), way) / dot(way, way);
}

/** A line from its landmarks to a place of it that lies beyond them; nothing where it does not. */
function extended(segment, place) {
  const along = alongOf(segment, place);
  if (along >= 0 && along <= 1) return [];
  return [lineOf("extension", along < 0 ? segment[0] : segment[1], place)];
}

/** Where two lines meet; null where they are parallel. */
function crossing([a, b], [c, d]) {
  const [u, v] = [minus(b, a), minus(d, c)];
  const area = cross(u, v);
  if (Math.abs(area) < 1e-9 * norm(u) * norm(v)) return null;
  return plus(a, times(u, cross(minus(c, a), v) / area));
}

/** Two lines, and the angle from the first one's direction to the second's. */
function twoLines(first, second, scene) {
  const lines = [lineOf("line", ...first), lineOf("line", ...second)];
  const u = minus(first[1], first[0]);
  const v = minus(second[1], second[0]);
  const apex = crossing(first, second);
  // Both directions turned round hold the same angle: the one that opens towards the first line.
  const side = apex !== null && dot(minus(middle(first), apex), u) < 0 ? -1 : 1;
  const [from, to] = [times(u, side), times(v, side)];
  const size = Math.max(norm(u), norm(v));
  const extent = Math.max(
    ...[...first, ...second].flatMap((p) => [...first, ...second].map((q) => norm(minus(p, q)))),
  );
  const away = (segment) => Math.min(...segment.map((end) => norm(minus(end, apex))));
  if (
    apex === null || Math.max(away(first), away(second)) > FAR * extent || !isOnFilm(apex, scene)
  ) {
    return [...lines, ...beside(second, from, to)];
  }
  const radius = Math.max(0.3 * size, 0.4 * Math.min(away(first), away(second)));
  const rays = [[first, from], [second, to]].flatMap(([segment, way]) => [
    ...extended(segment, apex),
    ...extended(segment, plus(apex, times(unit(way), 1.15 * radius))),
  ]);
  return [...lines, ...rays, arcOf(apex, radius, from, to)];
}

/** Whether a place is on the film; true where its size is not known. */
function isOnFilm([x, y], { film }) {
  if (film === null) return true;
  return x >= film.low[0] && x <= film.high[0] && y >= film.low[1] && y <= film.high[1];
}

/** The same where the lines meet too far away: a parallel of the first through the second. */
function beside(second, from, to) {
  const centre = middle(second);
  const size = 0.75 * norm(to);
  const end = (way) => plus(centre, times(unit(way), 1.15 * size));
  return [
    lineOf("axis", centre, end(from)),
    ...extended(second, end(to)),
    arcOf(centre, size, from, to),
  ];
}

/** A line against a direction of the film, at the line's start; the angle turns from -> to. */
function againstAxis(segment, axis, [from, to]) {
  const [start, end] = segment;
  const size = norm(minus(end, start));
  return [
    lineOf("line", start, end),
    lineOf("axis", start, plus(start, times(axis, size))),
    arcOf(start, 0.6 * size, from, to),
  ];
}

/** How far a place lies along an axis from another: there, and the way over. */
function alongAxis(start, end, axis) {
  const way = unit(axis);
  const corner = plus(start, times(way, dot(minus(end, start), way)));
  return [lineOf("measured", start, corner), lineOf("axis", corner, end)];
}

/** A place's perpendicular on a line. */
function perpendicular(role, point, segment) {
  const foot = plus(segment[0], times(minus(segment[1], segment[0]), alongOf(segment, point)));
  return [
    lineOf("line", ...segment), ...extended(segment, foot), lineOf(role, point, foot),
  ];
}

/** A way, its chord, and the perpendicular of one of its places on it. */
function bulge(places, point) {
  const chord = [places[0], places[places.length - 1]];
  return [
    { kind: "polyline", role: "line", points: places }, ...perpendicular("measured", point, chord),
  ];
}

// ---- kinds

// The keys are in the order in which the kind's angle turns.
const byTurn = (first, second) => (f, scene) =>
  twoLines(span(scene, f[first]), span(scene, f[second]), scene);

const DRAWINGS = {
  angle_between: (f, scene) => twoLines(span(scene, f.first), span(scene, f.second), scene),

  angle_at: (f, scene) => {
    const [vertex, first, second] = [f.vertex, f.first, f.second].map((p) => position(scene, p));
    const [u, v] = [minus(first, vertex), minus(second, vertex)];
    const legs = [lineOf("line", vertex, first), lineOf("line", vertex, second)];
    return [...legs, arcOf(vertex, 0.4 * Math.min(norm(u), norm(v)), u, v)];
  },

  nose_down_turn: byTurn("start", "end"),
  cobb: byTurn("lower", "upper"),
  posterior_tangent: byTurn("lower", "upper"),

  angle_to_horizontal: (f, scene) =>
    againstAxis(span(scene, f.line), [scene.facing, 0], TURNS.angle_to_horizontal(f, scene)),

  angle_to_vertical: (f, scene) =>
    againstAxis(span(scene, f.line), [0, -1], TURNS.angle_to_vertical(f, scene)),

  distance: (f, scene) => [lineOf("measured", ...span(scene, [f.start, f.end]))],

  translation: (f, scene) => [
    ...(typeof f.along === "string" ? [] : [lineOf("line", ...span(scene, f.along))]),
    ...alongAxis(position(scene, f.start), position(scene, f.end), axisOf(f, scene)),
  ],

  distance_to_line: (f, scene) =>
    perpendicular("measured", position(scene, f.point), span(scene, f.line)),

  side_of_line: (f, scene) => perpendicular("axis", position(scene, f.point), span(scene, f.line)),

  polyline_length: (f, scene) => [
    { kind: "polyline", role: "measured", points: span(scene, f.through) },
  ],

  polyline_depth: (f, scene) => bulge(span(scene, f.through), position(scene, deepest(f, scene))),

  farthest_along: (f, scene) => [
    lineOf("line", ...span(scene, f.along)),
    ...alongAxis(
      position(scene, f.start), position(scene, farthest(f, scene)), direction(scene, f.along),
    ),
  ],

  arc_height: (f, scene) => {
    const places = span(scene, f.through);
    return bulge(places, places[argmax(polylineHeights(places).map(Math.abs))]);
  },

  circle_diameter: (f, scene) => {
    const places = span(scene, f.rim);
    const { centre, radius } = fitCircle(places);
    const way = minus(places[0], centre);
    const arm = norm(way) > 0 ? times(unit(way), radius) : [radius, 0];
    return [
      { kind: "circle", role: "line", centre, radius },
      lineOf("measured", minus(centre, arm), plus(centre, arm)),
    ];
  },

  roundness: (f, scene) => {
    const places = span(scene, f.rim);
    const circle = fitCircle(places);
    const offsets = distancesFrom(circle, places);
    const [out, within] = [Math.max(...offsets), Math.min(...offsets)];
    const { centre } = circle;
    const way = unit(minus(places[argmax(offsets)], centre));
    const inner = circle.radius + within;
    const outer = circle.radius + out;
    return [
      { kind: "circle", role: "axis", centre, radius: inner },
      { kind: "circle", role: "axis", centre, radius: outer },
      lineOf("measured", plus(centre, times(way, inner)), plus(centre, times(way, outer))),
    ];
  },

  spine_cobb: (f, scene) => {
    const [first, second] = cobbLines(f, scene).lines.map((line) => span(scene, line));
    return norm(minus(first[0], second[0])) === 0
      ? [lineOf("line", ...first)]
      : twoLines(first, second, scene);
  },

  ratio: (f, scene) => {
    const part = (formula) => DRAWINGS[formula.kind](formula, scene);
    const below = part(f.denominator).map((shape) =>
      shape.role === "measured" ? { ...shape, role: "against" } : shape,
    );
    return [...part(f.numerator), ...below];
  },

  sum: (f, scene) => f.terms.flatMap((term) => DRAWINGS[term.kind](term, scene)),
};

/** Kinds that can be drawn. */
export const DRAWN_KINDS = Object.keys(DRAWINGS);
