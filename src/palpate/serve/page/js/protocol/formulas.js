// The formulas of a protocol file: one function a kind, all of them in FORMULAS.
// Twin of palpate.protocols.formula; a test holds the two together kind by kind.
//
// A function takes the formula's table and a scene {at: Map of name -> [x, y], facing: 1 or -1,
// height: number or null} and gives {value, note}; the note says what was picked of several. It
// throws NoAnswer, in words for the reader, where there is no answer.

import { distancesFrom, fitCircle } from "./circles.js";
import { cobbPairs, isSShaped } from "./spine.js";
import {
  NoAnswer, angleBetween, argmax, distanceToLine, dot, middle, minus, norm, polylineHeights, turn,
  unit,
} from "./vectors.js";

export const UPWARDS = [0, -1];

const namesOf = (place) => (typeof place === "string" ? [place] : place);
const words = (place) => [...new Set(namesOf(place))].join(" and ");

/** Coordinate of a landmark, or the mean of several. */
export function position(scene, place) {
  return typeof place === "string"
    ? scene.at.get(place)
    : middle(place.map((name) => scene.at.get(name)));
}

/** From the first place of a line to its second. */
export const direction = (scene, [start, end]) =>
  minus(position(scene, end), position(scene, start));

export const forwards = (scene) => [scene.facing, 0];

const positions = (scene, places) => places.map((place) => position(scene, place));
const plain = (value) => ({ value, note: "" });
const turned = (scene, from, to) => plain(scene.facing * turn(from, to));

/** Evaluate any formula. */
export function evaluate(formula, scene) {
  return FORMULAS[formula.kind](formula, scene);
}

/** Axis of a translation, not of length 1. */
export function axisOf({ along }, scene) {
  if (along === "forwards") return forwards(scene);
  return along === "upwards" ? UPWARDS : direction(scene, along);
}

/** Places whose directions a signed angle turns between: [from, to], as directions. */
export const TURNS = {
  nose_down_turn: (f, scene) => [direction(scene, f.start), direction(scene, f.end)],
  cobb: (f, scene) => [direction(scene, f.lower), direction(scene, f.upper)],
  posterior_tangent: (f, scene) => [direction(scene, f.lower), direction(scene, f.upper)],
  angle_to_horizontal: (f, scene) => {
    const [level, line] = [forwards(scene), direction(scene, f.line)];
    return f.positive === "front_down" ? [level, line] : [line, level];
  },
  angle_to_vertical: (f, scene) => {
    const line = direction(scene, f.line);
    return f.positive === "top_forwards" ? [UPWARDS, line] : [line, UPWARDS];
  },
};

const turnOf = (kind) => (f, scene) => turned(scene, ...TURNS[kind](f, scene));

function offsetOf({ point, line }, scene) {
  const [start, end] = positions(scene, line);
  return -scene.facing * distanceToLine(position(scene, point), start, end);
}

/** Place of several that lies farthest from the chord between the first and the last. */
export function deepest({ through }, scene) {
  const heights = polylineHeights(positions(scene, through));
  return through[argmax(heights.map(Math.abs))];
}

/** Place of several that lies farthest along a line. */
export function farthest({ start, of, along }, scene) {
  const axis = unit(direction(scene, along));
  const from = position(scene, start);
  return of[argmax(of.map((place) => dot(minus(position(scene, place), from), axis)))];
}

/** {pair: [upper, lower] lines of the two vertebrae, names, low}. */
export function cobbLines({ vertebrae, corners, which }, scene) {
  const places = vertebrae.map((name) => corners.map((corner) => scene.at.get(name + corner)));
  if (scene.height === null && which === "third" && isSShaped(places)) {
    throw new NoAnswer(
      "the height of the film is not known, and the third angle of an S-shaped spine depends on " +
        "whether its main curve is in the film's upper half",
    );
  }
  const pairs = cobbPairs(places, scene.height ?? 0);
  const names = pairs[which].map((k) => vertebrae[k]);
  const lines = names.map((name) => {
    const [tl, tr, bl, br] = corners.map((corner) => name + corner);
    return [[tl, bl], [tr, br]];
  });
  return { lines, names, low: which === "third" && pairs.low };
}

export const FORMULAS = {
  angle_between: (f, scene) =>
    plain(angleBetween(direction(scene, f.first), direction(scene, f.second))),

  angle_at: (f, scene) =>
    plain(
      angleBetween(direction(scene, [f.vertex, f.first]), direction(scene, [f.vertex, f.second])),
    ),

  nose_down_turn: turnOf("nose_down_turn"),
  cobb: turnOf("cobb"),
  posterior_tangent: turnOf("posterior_tangent"),
  angle_to_horizontal: turnOf("angle_to_horizontal"),
  angle_to_vertical: turnOf("angle_to_vertical"),

  distance: (f, scene) => plain(norm(direction(scene, [f.start, f.end]))),

  translation: (f, scene) =>
    plain(dot(direction(scene, [f.start, f.end]), unit(axisOf(f, scene)))),

  distance_to_line: (f, scene) => plain(offsetOf(f, scene)),

  side_of_line: (f, scene) => plain(offsetOf(f, scene) >= 0 ? 1 : -1),

  polyline_length: (f, scene) => {
    const places = positions(scene, f.through);
    let sum = 0;
    for (let i = 1; i < places.length; i += 1) sum += norm(minus(places[i], places[i - 1]));
    return plain(sum);
  },

  polyline_depth: (f, scene) => {
    const point = deepest(f, scene);
    const line = [f.through[0], f.through[f.through.length - 1]];
    return { value: offsetOf({ point, line }, scene), note: `at ${words(point)}` };
  },

  farthest_along: (f, scene) => {
    const end = farthest(f, scene);
    const value = dot(direction(scene, [f.start, end]), unit(direction(scene, f.along)));
    return { value, note: `at ${words(end)}` };
  },

  arc_height: (f, scene) => {
    const heights = polylineHeights(positions(scene, f.through)).map(Math.abs);
    const highest = argmax(heights);
    return { value: heights[highest], note: `at ${words(f.through[highest])}` };
  },

  circle_diameter: (f, scene) => plain(2 * fitCircle(positions(scene, f.rim)).radius),

  roundness: (f, scene) => {
    const places = positions(scene, f.rim);
    const offsets = distancesFrom(fitCircle(places), places);
    const out = argmax(offsets);
    const within = argmax(offsets.map((offset) => -offset));
    const note = `farthest ${words(f.rim[out])}, nearest ${words(f.rim[within])}`;
    return { value: offsets[out] - offsets[within], note };
  },

  spine_cobb: (f, scene) => {
    const { lines, names, low } = cobbLines(f, scene);
    const value = angleBetween(direction(scene, lines[0]), direction(scene, lines[1]));
    const more = low ? "; the main curve is low, so this one is above the second" : "";
    return { value, note: `between ${names[0]} and ${names[1]}${more}` };
  },

  ratio: (f, scene) => {
    const below = evaluate(f.denominator, scene).value;
    if (below === 0) throw new NoAnswer("the length to divide by is zero");
    return plain(evaluate(f.numerator, scene).value / below);
  },

  sum: (f, scene) => plain(f.terms.reduce((sum, term) => sum + evaluate(term, scene).value, 0)),
};
