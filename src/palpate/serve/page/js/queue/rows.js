import { element } from "../element.js";
import { fullMoment, shortMoment } from "../moment.js";

/** From here on a share is marked: someone should look. */
const HIGH = { class_change: 0.1, width: 0.9, implausible: 0.9 };
const LABELS = {
  class_change: "Other class",
  width: "Uncertainty",
  implausible: "Unusual shape",
};

function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share > 0.99 && share < 1) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}

const WORDS = {
  class_change: percent,
  width: (share) => `${percent(share)} are surer`,
  implausible: percent,
};

function shareCell(row, name) {
  const share = row[name];
  const cell = element("td", { role: "cell", "data-label": LABELS[name] });
  if (share === null) {
    cell.append(element("span", { class: "none", title: "not known" }, "–"),
      element("span", { class: "visually-hidden" }, "not known"));
    return cell;
  }
  const filled = element("span");
  filled.style.setProperty("--share", share);
  cell.append(element("div", { class: share >= HIGH[name] ? "share high" : "share" },
    element("span", { class: "bar", "aria-hidden": "true" }, filled),
    element("span", {}, WORDS[name](share))));
  return cell;
}

function caseCell(row) {
  const about = [
    row.subject && row.subject !== row.image ? `subject ${row.subject}` : "",
    row.group,
    row.frames > 1 ? `clip of ${row.frames} frames` : "",
  ].filter(Boolean);
  return element("th", { role: "rowheader", scope: "row" },
    element("a", { class: "open-case", href: `/case/${row.id}` }, row.image),
    about.length ? element("span", { class: "about" }, about.join(" · ")) : null);
}

function reasonsCell(row) {
  const nothing = row.class_change === null && row.width === null && row.implausible === null
    ? "nothing predicted yet" : "nothing in particular";
  return element("td", { role: "cell", class: "why" }, row.reasons.length
    ? element("ul", {}, row.reasons.map((reason) => element("li", {}, reason)))
    : element("span", { class: "none" }, nothing));
}

function stateCell(row, comparable) {
  const by = row.signed_by ? `by ${row.signed_by}` : "";
  const read = row.readers.length ? `read by ${row.readers.join(", ")}` : "";
  return element("td", { role: "cell", "data-label": "State" },
    element("span", { class: `state ${row.state}` }, row.state),
    by || read ? element("span", { class: "signer" }, by || read) : null,
    comparable && row.readers.length > 1
      ? element("a", { class: "above small", href: `/case/${row.id}/adjudicate` },
        "Compare readings")
      : null);
}

function changedCell(row) {
  return element("td", { role: "cell", "data-label": "Last change", class: "number" }, row.updated
    ? element("time", { datetime: row.updated, title: fullMoment(row.updated) },
      shortMoment(row.updated))
    : element("span", { class: "none" }, "–"));
}

/**
 * A row of the table for each case.
 *
 * @param {object[]} rows - QueueRow messages.
 * @param {{comparable: boolean}} options - whether this reader may compare readings.
 */
export function rowElements(rows, { comparable }) {
  return rows.map((row) =>
    element("tr", { role: "row", "data-case": row.id },
      caseCell(row), reasonsCell(row),
      shareCell(row, "class_change"), shareCell(row, "width"), shareCell(row, "implausible"),
      stateCell(row, comparable), changedCell(row)));
}
