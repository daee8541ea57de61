/** Frames of a clip: fetched once, the last ones kept, the next ones fetched ahead. */
import { planes } from "./film.js";

const KEPT_BYTES = 384 * 1024 * 1024;
const AHEAD = 6;
const TYPES = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array };

export class Frames {
  /**
   * @param {object} film - width, height, channels, dtype, depth, frames
   * @param {(frame: number) => Promise<ArrayBuffer>} fetchFrame
   */
  constructor(film, fetchFrame) {
    this.film = film;
    this.fetchFrame = fetchFrame;
    /** @type {Map<number, Promise<object[]>>} the last used is last */
    this.kept = new Map();
  }

  get(frame) {
    const known = this.kept.get(frame) ?? this.load(frame);
    this.kept.delete(frame);
    this.kept.set(frame, known);
    return known;
  }

  load(frame) {
    const loading = this.fetchFrame(frame).then((bytes) => this.decoded(bytes));
    this.kept.set(frame, loading);
    loading.catch(() => this.kept.delete(frame));
    this.forget();
    return loading;
  }

  decoded(bytes) {
    const { width, height, channels, dtype } = this.film;
    const values = new TYPES[dtype](bytes);
    if (values.length !== width * height * channels)
      throw new Error(
        `The film should have ${width} x ${height} pixels of ${channels}, ` +
          `and ${values.length} values came.`,
      );
    return planes(values, this.film);
  }

  /** Fetches what comes next in the direction of the last step. */
  async ahead(frame, direction) {
    for (let i = 1; i <= AHEAD; i += 1) {
      const next = frame + i * direction;
      if (next < 0 || next >= this.film.frames) return;
      if (this.kept.has(next)) continue;
      try {
        await this.load(next);
      } catch {
        return; // It is asked for again when it is shown, and fails in words there.
      }
    }
  }

  forget() {
    const { width, height, channels, dtype } = this.film;
    const each = width * height * channels * TYPES[dtype].BYTES_PER_ELEMENT * 1.4;
    const most = Math.max(AHEAD + 2, Math.floor(KEPT_BYTES / each));
    for (const frame of this.kept.keys()) {
      if (this.kept.size <= most) return;
      this.kept.delete(frame);
    }
  }
}
