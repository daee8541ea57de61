import { element } from "../element.js";
import { live } from "../viewer/live.js";
import { difference } from "./spread.js";
import { valueWords } from "./words.js";

/** Each measurement as each reader's marks give it, how far apart they are, and what is agreed. */
export class ValueTable {
  /** @param {HTMLTableElement} table @param {import("./bench.js").Bench} bench */
  constructor(table, bench) {
    Object.assign(this, { table, bench });
    const head = ["Measurement", ...bench.readers, "Difference", "Agreed"];
    this.rows = bench.desk.protocol.quantities.map((quantity) => this.row(quantity));
    table.replaceChildren(
      element("caption", { class: "visually-hidden" }, "Measurements of each reader"),
      element("thead", {}, element("tr", {},
        head.map((words) => element("th", { scope: "col" }, words)))),
      element("tbody", {}, this.rows.map(({ row }) => row)));
  }

  row(quantity) {
    const cells = this.bench.readers.map(() => element("td", { class: "number" }));
    const apart = element("td", { class: "number apart" });
    const agreed = element("td", { class: "number agreed" });
    return { quantity, cells, apart, agreed,
      row: element("tr", { "data-measurement": quantity.name },
        element("th", { scope: "row", title: quantity.meaning }, quantity.name), cells, apart,
        agreed) };
  }

  show() {
    const { desk, reading, readers } = this.bench;
    const official = new Map((reading.measurements[desk.frame] ?? []).map((each) =>
      [each.name, each]));
    const now = live(desk);
    for (const { quantity, cells, apart, agreed } of this.rows) {
      const values = readers.map((reader) => this.bench.valueOf(reader, quantity.name));
      for (const [row, cell] of cells.entries())
        cell.textContent = valueWords(values[row], quantity.unit);
      apart.textContent = valueWords(difference(values, quantity.period), quantity.unit);
      const open = quantity.needs.filter((name) => !this.bench.isSettled(name));
      const made = reading.settled ? official.get(quantity.name) : now.get(quantity.name);
      agreed.dataset.value = open.length ? "" : (made?.value ?? "");
      agreed.textContent = open.length ? `${open.length} open` : valueWords(made?.value, quantity.unit);
      agreed.classList.toggle("soft", open.length > 0);
    }
  }
}
