// The circle with the least sum of squared distances of some places from its line.
// Twin of palpate.geometry.circles, which leaves the search to MINPACK's lmder: the same steps
// and the same stops are taken here, so that both end at the same circle.

import { NoAnswer, middle, minus, norm } from "./vectors.js";

// A circle larger than so many times its points' spread is a straight line.
const STRAIGHT = 100;
const FTOL = 1e-8;
const XTOL = 1e-13;
const GTOL = 1e-8;
const LARGEST_STEP = 100;
const MOST_EVALUATIONS = 300;
const TINY = 2.2250738585072014e-308;

/** {centre: [x, y], radius} in the unit of the places. */
export function fitCircle(places) {
  const straight = "no circle fits: the points lie on one line or coincide";
  if (places.length < 3) {
    throw new NoAnswer(`a circle needs three or more points, got ${places.length}`);
  }
  const centre = middle(places);
  const squares = places.map((p) => (p[0] - centre[0]) ** 2 + (p[1] - centre[1]) ** 2);
  const spread = Math.sqrt(mean(squares));
  const largest = Math.max(...places.map((p) => Math.max(Math.abs(p[0]), Math.abs(p[1]))));
  if (!(spread > 1e-12 * Math.max(1, largest))) throw new NoAnswer(straight);
  const scaled = places.map((p) => minus(p, centre).map((c) => c / spread));
  const begin = taubin(scaled);
  const fit = begin === null ? null : leastSquares(begin, scaled);
  if (fit === null || !(fit[2] > 0 && fit[2] < STRAIGHT)) throw new NoAnswer(straight);
  return {
    centre: [centre[0] + spread * fit[0], centre[1] + spread * fit[1]],
    radius: spread * fit[2],
  };
}

/** Distance of each place from the circle's line, positive outside. */
export function distancesFrom(circle, places) {
  return places.map((place) => norm(minus(place, circle.centre)) - circle.radius);
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const length = (numbers) => Math.sqrt(numbers.reduce((sum, number) => sum + number * number, 0));

/** Centre and radius of the algebraic fit of centred places (Taubin 1991); null for a line. */
function taubin(places) {
  const squared = places.map((p) => p[0] * p[0] + p[1] * p[1]);
  const level = mean(squared);
  const rows = places.map((p, i) => [(squared[i] - level) / (2 * Math.sqrt(level)), p[0], p[1]]);
  const least = leastDirection(rows);
  if (Math.abs(least[0]) < 1e-9) return null;
  const a = least[0] / (2 * Math.sqrt(level));
  const x = -least[1] / (2 * a);
  const y = -least[2] / (2 * a);
  return [x, y, Math.sqrt(x * x + y * y + level)];
}

/** Right singular vector of the smallest singular value: Jacobi turns of the columns (Hestenes). */
function leastDirection(rows) {
  const columns = [0, 1, 2].map((k) => rows.map((row) => row[k]));
  const turned = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let sweep = 0; sweep < 30; sweep += 1) {
    let worst = 0;
    for (const [i, j] of [[0, 1], [0, 2], [1, 2]]) {
      worst = Math.max(worst, makeOrthogonal(columns, turned, i, j));
    }
    if (worst < 1e-15) break;
  }
  const sizes = columns.map(length);
  return turned[sizes.indexOf(Math.min(...sizes))];
}

/** Turn two columns until they are orthogonal; how far they were from it. */
function makeOrthogonal(columns, turned, i, j) {
  let ii = 0;
  let jj = 0;
  let ij = 0;
  for (let row = 0; row < columns[i].length; row += 1) {
    ii += columns[i][row] ** 2;
    jj += columns[j][row] ** 2;
    ij += columns[i][row] * columns[j][row];
  }
  const size = Math.sqrt(ii * jj);
  if (ij === 0 || size === 0) return 0;
  const zeta = (jj - ii) / (2 * ij);
  const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  for (const table of [columns, turned]) {
    for (let row = 0; row < table[i].length; row += 1) {
      const [a, b] = [table[i][row], table[j][row]];
      table[i][row] = cosine * (a - tangent * b);
      table[j][row] = cosine * (b + tangent * a);
    }
  }
  return Math.abs(ij) / size;
}

function residuals(x, places) {
  return places.map((p) => length([p[0] - x[0], p[1] - x[1]]) - x[2]);
}

function slopes(x, places) {
  return places.map((p) => {
    const way = [x[0] - p[0], x[1] - p[1]];
    const size = Math.max(length(way), 1e-12);
    return [way[0] / size, way[1] / size, -1];
  });
}

/**
 * Levenberg-Marquardt as MINPACK's lmder goes about it; null where it does not arrive.
 * Steps are measured in units of the longest columns of the slopes so far, as SciPy asks it to.
 */
function leastSquares(begin, places) {
  let x = begin;
  let f = residuals(x, places);
  let size = length(f);
  let damping = 0;
  let scale = [0, 0, 0];
  let reach = 0;
  let evaluations = 1;
  for (let accepted = 0; ; accepted += 1) {
    const system = normalEquations(slopes(x, places), f);
    if (steepness(system, size) <= GTOL) return x;
    scale = scale.map((longest, k) => Math.max(longest, system.columns[k] || 1));
    if (accepted === 0) reach = LARGEST_STEP * length(times(x, scale)) || LARGEST_STEP;
    for (let ratio = 0; ratio < 1e-4; ) {
      const step = marquardtStep(system, scale, reach, damping);
      damping = step.damping;
      const pace = length(times(step.p, scale));
      if (accepted === 0) reach = Math.min(reach, pace);
      const next = x.map((value, k) => value - step.p[k]);
      const nextF = residuals(next, places);
      const nextSize = length(nextF);
      evaluations += 1;
      const actual = 0.1 * nextSize < size ? 1 - (nextSize / size) ** 2 : -1;
      const straight = quadratic(system.A, step.p) / size ** 2;
      const damped = (damping * pace * pace) / size ** 2;
      const foreseen = straight + damped / 0.5;
      ratio = foreseen === 0 ? 0 : actual / foreseen;
      if (ratio <= 0.25) {
        const slope = -(straight + damped);
        let shrink = actual >= 0 ? 0.5 : (0.5 * slope) / (slope + 0.5 * actual);
        if (0.1 * nextSize >= size || shrink < 0.1) shrink = 0.1;
        reach = shrink * Math.min(reach, pace / 0.1);
        damping /= shrink;
      } else if (damping === 0 || ratio >= 0.75) {
        reach = pace / 0.5;
        damping *= 0.5;
      }
      if (ratio >= 1e-4) [x, f, size] = [next, nextF, nextSize];
      if (Math.abs(actual) <= FTOL && foreseen <= FTOL && 0.5 * ratio <= 1) return x;
      if (reach <= XTOL * length(times(x, scale))) return x;
      if (evaluations >= MOST_EVALUATIONS) return null;
    }
  }
}

/** J'J, J'f and the lengths of J's columns. */
function normalEquations(J, f) {
  const A = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  const g = [0, 0, 0];
  J.forEach((row, n) => {
    for (let i = 0; i < 3; i += 1) {
      g[i] += row[i] * f[n];
      for (let j = 0; j < 3; j += 1) A[i][j] += row[i] * row[j];
    }
  });
  return { A, g, columns: [0, 1, 2].map((k) => Math.sqrt(A[k][k])) };
}

/** Largest cosine of the residuals with a column of the slopes. */
function steepness({ g, columns }, size) {
  if (size === 0) return 0;
  return Math.max(...g.map((part, k) => (columns[k] > 0 ? Math.abs(part) / (columns[k] * size) : 0)));
}

const quadratic = (A, p) =>
  p.reduce((sum, pi, i) => sum + pi * A[i].reduce((row, a, j) => row + a * p[j], 0), 0);

const times = (numbers, factors) => numbers.map((number, k) => number * factors[k]);

/** Step p and its damping with |scale p| near the reach or below it (MINPACK's lmpar). */
function marquardtStep({ A, g }, scale, reach, guess) {
  const held = scale.map((size) => size * size);
  const steep = length(g.map((part, k) => part / scale[k]));
  let p = solve(A, [0, 0, 0], g) ?? g;
  let pace = length(times(p, scale));
  let excess = pace - reach;
  if (excess <= 0.1 * reach) return { p, damping: 0 };
  let lower = excess / reach / bend(A, [0, 0, 0], times(p, held), pace);
  let upper = steep / reach || TINY / Math.min(reach, 0.1);
  let damping = Math.min(Math.max(guess, lower), upper) || steep / pace;
  for (let turn = 1; ; turn += 1) {
    if (damping === 0) damping = Math.max(TINY, 0.001 * upper);
    const added = held.map((square) => damping * square);
    p = solve(A, added, g);
    pace = length(times(p, scale));
    const before = excess;
    excess = pace - reach;
    const done = lower === 0 && excess <= before && before < 0;
    if (Math.abs(excess) <= 0.1 * reach || done || turn === 10) return { p, damping };
    const correction = excess / reach / bend(A, added, times(p, held), pace);
    if (excess > 0) lower = Math.max(lower, damping);
    if (excess < 0) upper = Math.min(upper, damping);
    damping = Math.max(lower, damping + correction);
  }
}

/** q' (A + diagonal)^-1 q of a direction q; 0 / 0 never, for a lost rank counts as 0. */
function bend(A, diagonal, way, pace) {
  const q = way.map((part) => part / pace);
  const solved = solve(A, diagonal, q);
  return solved === null ? Infinity : q.reduce((sum, part, k) => sum + part * solved[k], 0);
}

/** (A + diagonal)^-1 b by Cholesky; null where A has lost rank. */
function solve(A, diagonal, b) {
  const L = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  for (let i = 0; i < 3; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = A[i][j] + (i === j ? diagonal[i] : 0);
      for (let k = 0; k < j; k += 1) sum -= L[i][k] * L[j][k];
      if (i === j && !(sum > 0)) return null;
      L[i][j] = i === j ? Math.sqrt(sum) : sum / L[j][j];
    }
  }
  const y = [0, 0, 0];
  for (let i = 0; i < 3; i += 1) {
    y[i] = b[i];
    for (let k = 0; k < i; k += 1) y[i] -= L[i][k] * y[k];
    y[i] /= L[i][i];
  }
  for (let i = 2; i >= 0; i -= 1) {
    for (let k = i + 1; k < 3; k += 1) y[i] -= L[k][i] * y[k];
    y[i] /= L[i][i];
  }
  return y;
}
