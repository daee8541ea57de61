/**
 * The values that the pixels of a screen show: nearest above 100 %, means of areas below.
 *
 * The work is that of the screen, not of the film. Screen pixel i covers, in px from the film's
 * left edge, from left + i / across to left + (i + 1) / across; down likewise. Where pixels are
 * not square, the level is one of which three cells cover a screen pixel either way.
 */

/**
 * @typedef {object} Shown
 * @property {Uint8Array | Uint16Array | Int16Array} values - of the screen, row by row
 * @property {{x0: number, x1: number, y0: number, y1: number}} area - that the film covers
 */

/**
 * @param {import("./pyramid.js").Pyramid} pyramid
 * @param {{left: number, top: number, across: number, down: number}} view - across and down in
 *   screen pixels for a px
 * @param {{width: number, height: number}} screen
 * @param {{quick?: boolean, into?: object}} [how] - quick: while the film moves
 * @returns {Shown}
 */
export function resample(pyramid, view, screen, { quick = false, into } = {}) {
  const scale = Math.min(view.across, view.down);
  const wanted = scale >= 1 ? 0 : Math.floor(Math.log2(1 / scale) + 1e-9);
  const level = pyramid.level(wanted);
  const n = Math.min(wanted, pyramid.levels.length - 1);
  const factor = 2 ** n;
  const size = screen.width * screen.height;
  const Values = level.values.constructor;
  const values = into instanceof Values && into.length === size ? into : new Values(size);
  const along = (start, each, count, size, cells) =>
    axis(start / factor, 1 / (each * factor), count, size / factor, cells);
  const x = along(view.left, view.across, screen.width, pyramid.width, level.width);
  const y = along(view.top, view.down, screen.height, pyramid.height, level.height);
  const nearest = scale >= 1 || quick || pyramid.holes;
  (nearest ? takeNearest : takeMeans)(level, x, y, values, screen.width);
  return { values, area: { x0: x.from, x1: x.to, y0: y.from, y1: y.to } };
}

/** For every screen pixel of one axis: the cell at its centre, and its share of three cells. */
function axis(start, step, count, end, cells) {
  const from = Math.min(count, Math.max(0, Math.ceil(-start / step - 0.5)));
  const to = Math.max(from, Math.min(count, Math.ceil((end - start) / step - 0.5)));
  const made = {
    from,
    to,
    centre: new Int32Array(count),
    first: new Int32Array(count),
    second: new Int32Array(count),
    third: new Int32Array(count),
    shares: new Float32Array(3 * count),
  };
  for (let i = from; i < to; i += 1) {
    const a = Math.max(0, start + i * step);
    const b = Math.min(end, start + (i + 1) * step);
    const first = Math.min(cells - 1, Math.floor(a));
    made.centre[i] = Math.min(cells - 1, Math.max(0, Math.floor(start + (i + 0.5) * step)));
    made.first[i] = first;
    made.second[i] = Math.min(cells - 1, first + 1);
    made.third[i] = Math.min(cells - 1, first + 2);
    const one = Math.max(0, Math.min(first + 1, b) - a);
    const two = Math.max(0, Math.min(1, b - first - 1));
    const three = Math.max(0, b - first - 2);
    const all = one + two + three;
    made.shares.set(all > 0 ? [one / all, two / all, three / all] : [1, 0, 0], 3 * i);
  }
  return made;
}

function takeNearest(level, x, y, out, wide) {
  const { values, width } = level;
  let last = -1;
  for (let j = y.from; j < y.to; j += 1) {
    const row = j * wide;
    if (y.centre[j] === last) {
      // Enlarged: the same row of the film again.
      out.copyWithin(row + x.from, row - wide + x.from, row - wide + x.to);
      continue;
    }
    last = y.centre[j];
    const from = last * width;
    for (let i = x.from; i < x.to; i += 1) out[row + i] = values[from + x.centre[i]];
  }
}

function takeMeans(level, x, y, out, wide) {
  const rows = new RowMeans(level, x, wide);
  for (let j = y.from; j < y.to; j += 1) {
    const a = rows.of(y.first[j]);
    const b = rows.of(y.second[j]);
    const c = rows.of(y.third[j]);
    const [one, two, three] = y.shares.subarray(3 * j, 3 * j + 3);
    const row = j * wide;
    // Rounded by adding a half: values are whole, and a typed array cuts.
    if (three === 0) {
      for (let i = x.from; i < x.to; i += 1)
        out[row + i] = Math.floor(one * a[i] + two * b[i] + 0.5);
    } else {
      for (let i = x.from; i < x.to; i += 1)
        out[row + i] = Math.floor(one * a[i] + two * b[i] + three * c[i] + 0.5);
    }
  }
}

/** Rows of the film with their means across, each made once: three are in use at a time. */
class RowMeans {
  constructor(level, x, wide) {
    this.level = level;
    this.x = x;
    this.kept = [0, 1, 2, 3].map(() => new Float32Array(wide));
    this.which = [-1, -1, -1, -1];
  }

  of(row) {
    const slot = row & 3;
    if (this.which[slot] !== row) {
      this.which[slot] = row;
      this.fill(this.kept[slot], row);
    }
    return this.kept[slot];
  }

  fill(out, row) {
    const { values, width } = this.level;
    const { first, second, third, shares, from, to } = this.x;
    const start = row * width;
    for (let i = from, k = 3 * from; i < to; i += 1, k += 3) {
      out[i] =
        shares[k] * values[start + first[i]] +
        shares[k + 1] * values[start + second[i]] +
        shares[k + 2] * values[start + third[i]];
    }
  }
}
