/**
 * Window and level: which values are dark and which are bright (PS3.3 C.11.2.1.2, linear).
 *
 * @typedef {{centre: number, width: number}} Window
 */

const RANGES = { uint8: [0, 255], uint16: [0, 65535], int16: [-32768, 32767] };

/** Least and greatest value that pixels of a type can have. */
export function range(dtype) {
  return RANGES[dtype];
}

/** The window between two values, both told apart from what is beyond. */
export function between(low, high) {
  return { centre: (low + high) / 2 + 0.5, width: Math.max(1, high - low + 1) };
}

/**
 * Brightness, 0 to 255, of every value of a type; entry i is that of value i + range(dtype)[0].
 *
 * @param {Window} window
 */
export function ramp(window, dtype) {
  const [least, greatest] = RANGES[dtype];
  const out = new Uint8ClampedArray(greatest - least + 1);
  const centre = window.centre - 0.5;
  const width = Math.max(1, window.width) - 1;
  const last = width / 2 + centre;
  const slope = width === 0 ? 0 : 255 / width;
  for (let i = 0, value = least; i < out.length; i += 1, value += 1)
    out[i] = value > last ? 255 : (value - centre) * slope + (width === 0 ? 0 : 127.5);
  return out;
}

/**
 * The window that all but half a hundredth of the values at either end lie in.
 *
 * @param {Uint8Array | Uint16Array | Int16Array} values
 * @param {boolean} holes - 0 was not measured
 */
export function automatic(values, holes = false) {
  const stride = Math.max(1, Math.floor(values.length / 65536));
  const seen = [];
  for (let i = 0; i < values.length; i += stride)
    if (!holes || values[i] !== 0) seen.push(values[i]);
  if (seen.length === 0) return between(0, 1);
  seen.sort((a, b) => a - b);
  const at = (share) => seen[Math.round(share * (seen.length - 1))];
  return between(at(0.005), at(0.995));
}

/** The window of all values that there are. */
export function full(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return between(low, high);
}
