import { element } from "../element.js";
import { shapeSign } from "./shapes.js";
import { lengthWords, stateWords } from "./words.js";

/** The chosen landmark: where each reader has it, and the buttons that settle it. */
export class Card {
  /** @param {HTMLElement} root @param {import("./bench.js").Bench} bench */
  constructor(root, bench) {
    Object.assign(this, { root, bench });
    this.title = element("h3", {});
    this.about = element("p", { class: "soft small about" });
    this.rows = bench.readers.map((reader, row) => this.readerRow(reader, row));
    this.mean = element("button", { type: "button", onclick: () => bench.takeMean() },
      "Take the mean ", element("kbd", { "aria-hidden": "true" }, "M"));
    this.absent = element("button", { type: "button", onclick: () => bench.takeAbsent() },
      "Absent ", element("kbd", { "aria-hidden": "true" }, "A"));
    this.body = element("div", { class: "choices" },
      element("table", { class: "choice-table" },
        element("caption", { class: "visually-hidden" }, "Where each reader has it"),
        element("thead", { class: "visually-hidden" }, element("tr", {},
          ["Reader", "Mark", "From the mean", "Take it"].map((words) =>
            element("th", { scope: "col" }, words)))),
        element("tbody", {}, this.rows.map(({ row }) => row))),
      element("div", { class: "actions" }, this.absent, this.mean));
    root.replaceChildren(this.title, this.about, this.body);
  }

  readerRow(reader, row) {
    const state = element("td", {});
    const distance = element("td", { class: "number" });
    const take = element("button", { type: "button", onclick: () => this.bench.take(reader),
      "aria-label": `Take the mark of ${reader}` }, "Take ",
    element("kbd", { "aria-hidden": "true" }, row + 1));
    return { reader, state, distance, take,
      row: element("tr", {},
        element("th", { scope: "row" }, shapeSign(row), reader), state, distance,
        element("td", {}, take)) };
  }

  show() {
    const { desk } = this.bench;
    const { chosen } = desk;
    const comparison = chosen ? this.bench.comparison(chosen) : null;
    const editable = this.bench.reading.editable;
    this.title.textContent = chosen ? desk.titles.get(chosen) : "No landmark chosen";
    this.about.textContent = chosen ? aboutWords(comparison)
      : "Choose one in the table or on the film.";
    for (const { reader, state, distance, take } of this.rows) {
      const mark = chosen ? this.bench.markOf(reader, chosen) : null;
      state.textContent = chosen ? stateWords(mark) : "";
      distance.textContent = comparison?.apart
        ? lengthWords(comparison.distances.get(reader)) : "–";
      take.disabled = !mark || !editable;
    }
    this.mean.disabled = !comparison?.mean || !editable;
    this.absent.disabled = !chosen || !editable;
  }
}

function aboutWords({ apart, spread, disputed }) {
  if (disputed) return "Some readers placed it and others did not.";
  if (!apart) return "No two readers placed it.";
  return `Furthest apart ${lengthWords(apart)}; spread around the mean ${lengthWords(spread)}.`;
}
