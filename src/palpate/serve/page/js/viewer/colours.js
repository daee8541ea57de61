/**
 * Viridis, a colour map that colour-blind readers tell apart, as polynomials of degree eight.
 *
 * Fitted by least squares to matplotlib's table of 256 entries; no channel is further from it
 * than 3 of 255. There is no grey in it, so a hole is never taken for a depth.
 */
const RED = [0.2627, 0.6895, -6.3467, 13.8058, 18.4901, -164.4752, 335.7658, -285.0862, 87.8964];
const GREEN = [0.003, 1.5806, -2.6322, 12.6597, -46.9522, 99.0851, -112.5833, 64.0723, -14.3273];
const BLUE = [0.3334, 1.1568, 6.5949, -81.7214, 336.507, -727.3618, 878.0452, -563.3114, 149.9046];

export const HOLE = [112, 112, 112];

const at = (terms, t) => terms.reduceRight((sum, term) => sum * t + term, 0);

/** Colour of a share from 0, dark, to 1, bright: [red, green, blue] of 255. */
export function viridis(t) {
  return [RED, GREEN, BLUE].map((terms) =>
    Math.round(255 * Math.min(1, Math.max(0, at(terms, t)))),
  );
}

const packed = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

/** Pixels of a brightness from 0 to 255, as a little-endian canvas has them. */
export function greys({ inverted = false } = {}) {
  return Uint32Array.from({ length: 256 }, (_, i) => packed(Array(3).fill(inverted ? 255 - i : i)));
}

/** Pixels of a depth: near, which is little, is bright. */
export function depths({ inverted = false } = {}) {
  return Uint32Array.from({ length: 256 }, (_, i) => packed(viridis((inverted ? i : 255 - i) / 255)));
}

export const HOLE_PIXEL = packed(HOLE);
