/**
 * Measurements beside the film. While a point is dragged a changed value is the browser's and
 * its interval waits; after release it reads as the server's engine says it.
 *
 * Rows have data-measurement, data-value (full precision, empty where there is none) and
 * data-official.
 */
import { element } from "../element.js";
import { isUnusual, live } from "./live.js";
import { titled } from "./titled.js";

const DIGITS = { deg: 1, mm: 1, px: 1, "%": 1, s: 2, 1: 2 };
const WAITS = "interval after release";
// Two engines agree to more than anybody reads.
const CLOSE = 1e-7;

export class Panel {
  /** @param {HTMLElement} body @param {import("./desk.js").Desk} desk */
  constructor(body, desk) {
    Object.assign(this, { body, desk });
    this.rows = new Map();
    this.build();
  }

  build() {
    const groups = Map.groupBy(this.desk.protocol.quantities, (quantity) => quantity.group || "");
    for (const [group, quantities] of groups) {
      const rows = quantities.map((quantity) => this.row(quantity));
      const head = element("tr", { class: "group", role: "row" },
        element("th", { colspan: 3, scope: "rowgroup", role: "rowheader" }, group));
      this.body.append(element("tbody", { role: "rowgroup" }, group ? head : null, ...rows));
    }
  }

  row(quantity) {
    const parts = {
      quantity,
      button: element("button", {
        type: "button", class: "quiet", title: quantity.meaning, "aria-pressed": "false",
        onclick: () => this.desk.pick(quantity.name),
      }, quantity.name),
      value: element("span", { class: "value number" }),
      sign: element("span", { class: "unusual" }),
      detail: element("span", { class: "detail soft" }),
    };
    parts.row = element("tr", { "data-measurement": quantity.name, role: "row" },
      element("th", { scope: "row", role: "rowheader" }, parts.button),
      element("td", { role: "cell" }, parts.sign, parts.value),
      element("td", { role: "cell", class: "more" }, parts.detail));
    this.rows.set(quantity.name, parts);
    return parts.row;
  }

  /** Shows the frame's numbers. */
  show() {
    const { reading, frame } = this.desk;
    const official = new Map((reading.measurements[frame] ?? []).map((each) => [each.name, each]));
    const now = live(this.desk);
    for (const [name, parts] of this.rows) {
      const [given, made] = [official.get(name), now.get(name)];
      if (given && (reading.settled || agrees(given, made))) this.showOfficial(parts, given);
      else this.showLive(parts, made);
    }
  }

  showOfficial(parts, { value, text, note, crosses }) {
    const [head, interval, rest] = split(text);
    const over = crosses.length ? `crosses the limit ${crosses.join(" and ")}` : "";
    const notes = [[interval, over].filter(Boolean).join(", "), rest, note];
    const said = titled(value === null ? text : notes.filter(Boolean).join("; "), this.desk.titles);
    this.fill(parts, value, value === null ? "–" : head, said, true);
  }

  showLive(parts, { value, reason }) {
    const { unit } = parts.quantity;
    if (value === null) {
      const why = this.desk.film.predictions.length ? reason : reason.replace(/^landmark not found/, "not marked");
      return this.fill(parts, null, "–", titled(`not measured: ${why}`, this.desk.titles), false);
    }
    const digits = parts.digits ?? DIGITS[unit];
    const number = (value + 0).toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1");
    return this.fill(parts, value, `${number} ${unit === "1" ? "" : unit}`.trim(), WAITS, false);
  }

  fill(parts, value, head, detail, official) {
    if (official && value !== null)
      parts.digits = head.match(/^-?\d+(?:\.(\d+))?/)?.[1]?.length ?? 0;
    put(parts.value, head);
    put(parts.detail, detail);
    parts.detail.title = detail;
    const { normal } = parts.quantity;
    const unusual = isUnusual(parts.quantity, value);
    const side = unusual ? (value < normal.low ? "▼ below usual" : "▲ above usual") : "";
    put(parts.sign, side);
    parts.sign.title = unusual ? `usual ${normal.low} to ${normal.high}: ${normal.source}` : "";
    parts.row.dataset.value = value ?? "";
    parts.row.dataset.official = official;
  }

  /** The value of a measurement as it is shown, with its unit. */
  said(name) {
    return this.rows.get(name).value.textContent;
  }

  /** Marks the row that is looked at. */
  choose() {
    for (const [name, { button, row }] of this.rows) {
      button.setAttribute("aria-pressed", name === this.desk.quantity);
      row.classList.toggle("chosen", name === this.desk.quantity);
    }
  }

  /** What has changed, in words for those who listen: at most three values. */
  told() {
    const { reading, frame } = this.desk;
    const now = new Map((reading.measurements[frame] ?? []).map((each) => [each.name, each.text]));
    const before = this.spoken;
    this.spoken = { frame, now };
    if (!before || before.frame !== frame) return "";
    const news = [...now].filter(([name, text]) => before.now.get(name) !== text);
    const words = news.slice(0, 3).map(([name, text]) => `${name} ${text}`);
    if (news.length > 3) words.push(`and ${news.length - 3} more have changed`);
    return words.join(". ");
  }
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** '14.2 deg (90 % interval 11.8 to 16.6); P 0.03' into its value, its interval and the rest. */
function split(text) {
  const found = /^(.*?) \((.*?)\)(?:; )?(.*)$/.exec(text);
  return found ? found.slice(1) : [text, "", ""];
}

function agrees(official, made) {
  if (official.value === null || made.value === null)
    return official.value === made.value; // the server's words say more of the reason
  return Math.abs(official.value - made.value) <= CLOSE * Math.max(1, Math.abs(made.value));
}
