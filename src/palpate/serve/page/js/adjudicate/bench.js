import { absent } from "../viewer/marks.js";
import { compare } from "./spread.js";
import { meanMark, taken } from "./settlement.js";

/** All readings of a case side by side, and what the reviewer can do with them. */
export class Bench {
  /**
   * @param {import("../viewer/desk.js").Desk} desk - over the settlement
   * @param {object[]} readings - ReadingMessages of the readers
   */
  constructor(desk, readings) {
    this.desk = desk;
    this.reading = desk.reading;
    this.readings = new Map(readings.map((each) => [each.reading, each]));
    this.readers = [...this.readings.keys()];
    this.byReader = new Map(readings.map(({ reading, marks }) => [reading, byFrame(marks)]));
    this.refresh();
  }

  /** Marks of a reader in the frame that is shown, by landmark. */
  marksOf(reader, frame = this.desk.frame) {
    return this.byReader.get(reader).get(frame) ?? new Map();
  }

  markOf(reader, landmark, frame = this.desk.frame) {
    return this.marksOf(reader, frame).get(landmark) ?? null;
  }

  anybody(landmark, frame = this.desk.frame) {
    return this.readers.some((reader) => this.markOf(reader, landmark, frame));
  }

  /** Frames that any reader has marks in. */
  get frames() {
    const all = [...this.byReader.values()].flatMap((frames) => [...frames.keys()]);
    return [...new Set(all)].sort((a, b) => a - b);
  }

  comparison(landmark, frame = this.desk.frame) {
    const marks = new Map(this.readers.map((reader) =>
      [reader, this.markOf(reader, landmark, frame)]));
    return compare(marks, this.desk.film.spacing_mm);
  }

  valueOf(reader, quantity) {
    const rows = this.readings.get(reader).measurements[this.desk.frame] ?? [];
    return rows.find(({ name }) => name === quantity)?.value ?? null;
  }

  /** Takes note of what is settled now; asked again whenever marks have changed. */
  refresh() {
    this.adjudicated = this.reading.adjudicated();
  }

  /** Whether a landmark was adjudicated, or stands where every reader has it. */
  isSettled(landmark, frame = this.desk.frame) {
    if (this.adjudicated.has(`${frame}/${landmark}`)) return true;
    const agreed = this.reading.mark(frame, landmark);
    return agreed?.origin === "person" && this.readers.every((reader) => {
      const mark = this.markOf(reader, landmark, frame);
      return mark && ["state", "x", "y"].every((part) => mark[part] === agreed[part]);
    });
  }

  // --- settling --------------------------------------------------------------------------------

  settle(mark, note) {
    if (!this.desk.chosen || !mark || !this.desk.may()) return;
    this.desk.finish();
    this.reading.settle([mark], note);
    this.desk.tell("settled", this.desk.chosen);
  }

  take(reader) {
    const mark = this.markOf(reader, this.desk.chosen);
    this.settle(mark && taken(mark), `as ${reader}`);
  }

  takeMean() {
    const { chosen, frame } = this.desk;
    const comparison = chosen ? this.comparison(chosen) : { mean: null };
    this.settle(comparison.mean && meanMark(chosen, frame, comparison), "mean of the readers");
  }

  takeAbsent() {
    const { chosen, frame } = this.desk;
    this.settle(chosen && absent(chosen, frame), "absent");
  }

  /** What readers placed within so many px of each other, and nobody has settled yet: marks. */
  alike(px) {
    const found = [];
    for (const frame of this.frames)
      for (const name of this.desk.names) {
        if (this.isSettled(name, frame)) continue;
        const comparison = this.comparison(name, frame);
        const unanimous = !comparison.disputed && comparison.apart && comparison.apart.px <= px;
        if (unanimous) found.push(meanMark(name, frame, comparison));
        else if (this.allAbsent(name, frame)) found.push(absent(name, frame));
      }
    return found;
  }

  allAbsent(landmark, frame) {
    return this.readers.every((reader) =>
      this.markOf(reader, landmark, frame)?.state === "absent");
  }

  /** Landmarks of frames that some reader marked and that are not settled. */
  get open() {
    return this.frames.flatMap((frame) => this.desk.names
      .filter((name) => this.anybody(name, frame) && !this.isSettled(name, frame))
      .map((landmark) => ({ frame, landmark })));
  }
}

function byFrame(marks) {
  const frames = new Map();
  for (const mark of marks) {
    if (!frames.has(mark.frame)) frames.set(mark.frame, new Map());
    frames.get(mark.frame).set(mark.landmark, mark);
  }
  return frames;
}
