import { element } from "../element.js";
import { lengthWords } from "./words.js";

/** The landmarks, those that readers differ on most first; choosing one opens its card. */
export class LandmarkTable {
  /** @param {HTMLTableSectionElement} body @param {import("./bench.js").Bench} bench */
  constructor(body, bench) {
    Object.assign(this, { body, bench });
    this.rows = new Map(bench.desk.protocol.landmarks.map((landmark) =>
      [landmark.name, this.row(landmark)]));
    this.sort();
  }

  row({ name, title }) {
    const button = element("button", { type: "button", class: "quiet",
      onclick: () => this.bench.desk.choose(name) }, title);
    const apart = element("td", { class: "number" });
    const agreed = element("td", {});
    const row = element("tr", { "data-landmark-row": name },
      element("th", { scope: "row" }, button), apart, agreed);
    return { row, button, apart, agreed };
  }

  /** Orders once for a frame: a table that moves while one works through it loses people. */
  sort() {
    const weight = (name) => {
      const { disputed, apart } = this.bench.comparison(name);
      return disputed ? Infinity : (apart?.px ?? -1);
    };
    const names = [...this.rows.keys()].sort((a, b) => weight(b) - weight(a) || 0);
    this.order = names;
    this.body.replaceChildren(...names.map((name) => this.rows.get(name).row));
  }

  show() {
    for (const [name, { row, button, apart, agreed }] of this.rows) {
      const comparison = this.bench.comparison(name);
      const done = this.bench.isSettled(name);
      row.classList.toggle("settled", done);
      button.setAttribute("aria-current", String(name === this.bench.desk.chosen));
      apart.textContent = comparison.disputed ? "set by some only" : lengthWords(comparison.apart);
      apart.classList.toggle("disputed", comparison.disputed);
      agreed.textContent = done ? "✓ settled" : "open";
    }
  }

  reveal() {
    this.rows.get(this.bench.desk.chosen)?.row.scrollIntoView({ block: "nearest" });
  }

  /** The landmark that comes next in this order and is not settled; empty when all are. */
  nextOpen() {
    const at = this.order.indexOf(this.bench.desk.chosen);
    const inTurn = [...this.order.slice(at + 1), ...this.order.slice(0, at + 1)];
    return inTurn.find((name) => !this.bench.isSettled(name) && this.bench.anybody(name)) ?? "";
  }

  step(by) {
    const at = this.order.indexOf(this.bench.desk.chosen);
    const next = at < 0 ? 0 : (at + by + this.order.length) % this.order.length;
    this.bench.desk.choose(this.order[next]);
  }
}
