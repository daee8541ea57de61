/**
 * One plane of values at full size, half, quarter and so on, each made when first asked for.
 *
 * Pixel j of level n is the mean of the pixels from j * 2^n to (j + 1) * 2^n of the film, as far
 * as the film goes. With `holes`, 0 is 'not measured' and enters no mean; a mean of which fewer
 * than half was measured is a hole itself.
 */
export class Pyramid {
  /** @param {Uint8Array | Uint16Array | Int16Array} values - row by row */
  constructor(values, width, height, { holes = false } = {}) {
    this.width = width;
    this.height = height;
    this.holes = holes;
    this.levels = [{ values, width, height }];
  }

  get bytes() {
    return (this.levels[0].values.byteLength * 4) / 3;
  }

  /** The level n, or the coarsest there is. */
  level(n) {
    while (this.levels.length <= n) {
      const { values, width, height } = this.levels.at(-1);
      if (width === 1 && height === 1) break;
      this.levels.push(this.holes ? halvedMeasured(values, width, height) : halved(values, width, height));
    }
    return this.levels[Math.min(n, this.levels.length - 1)];
  }
}

function halved(values, width, height) {
  const [wide, high] = [(width + 1) >> 1, (height + 1) >> 1];
  const out = new values.constructor(wide * high);
  const [fullX, fullY] = [width >> 1, height >> 1];
  for (let y = 0; y < fullY; y += 1) {
    let above = 2 * y * width;
    let below = above + width;
    const row = y * wide;
    for (let x = 0; x < fullX; x += 1, above += 2, below += 2) {
      out[row + x] =
        (values[above] + values[above + 1] + values[below] + values[below + 1] + 2) >> 2;
    }
    if (wide > fullX) out[row + fullX] = (values[above] + values[below] + 1) >> 1;
  }
  if (high > fullY) lastRow(values, out, width, fullY, fullX);
  return { values: out, width: wide, height: high };
}

function lastRow(values, out, width, y, fullX) {
  const wide = (width + 1) >> 1;
  const from = 2 * y * width;
  for (let x = 0; x < fullX; x += 1)
    out[y * wide + x] = (values[from + 2 * x] + values[from + 2 * x + 1] + 1) >> 1;
  if (wide > fullX) out[y * wide + fullX] = values[from + 2 * fullX];
}

function halvedMeasured(values, width, height) {
  const [wide, high] = [(width + 1) >> 1, (height + 1) >> 1];
  const out = new values.constructor(wide * high);
  for (let y = 0; y < high; y += 1) {
    const rows = 2 * y + 1 < height ? [2 * y * width, (2 * y + 1) * width] : [2 * y * width];
    for (let x = 0; x < wide; x += 1) {
      let [sum, measured, all] = [0, 0, 0];
      for (const row of rows) {
        for (let i = 2 * x; i < Math.min(width, 2 * x + 2); i += 1) {
          const value = values[row + i];
          all += 1;
          sum += value;
          if (value !== 0) measured += 1;
        }
      }
      if (2 * measured >= all) out[y * wide + x] = Math.round(sum / measured);
    }
  }
  return { values: out, width: wide, height: high };
}
