/**
 * Somebody else's change came in between: what they did and what is not saved of one's own, side
 * by side, and the reader decides. Until then nothing is lost and nothing is sent.
 */
import { element } from "../element.js";
import { fullMoment, shortMoment } from "../moment.js";
import { keyOf } from "./marks.js";

/** @param {import("./desk.js").Desk} desk @param {import("./saver.js").Saver} saver */
export function askAboutConflict(desk, saver) {
  const { missed, reading } = saver.refusal.body;
  const dialog = element("dialog", { "aria-labelledby": "conflict-title", class: "conflict" },
    element("h2", { id: "conflict-title" }, headline(missed, desk.reading.who)),
    element("p", {}, "Your change is still here and is not saved. What shall stand?"),
    comparison(desk, missed, reading),
    element("div", { class: "actions" },
      choice(dialog_, "Take theirs", "", () => saver.giveUp(reading)),
      choice(dialog_, "Put mine on top", "go", () => saver.onTop())));
  function dialog_() {
    dialog.close();
    dialog.remove();
  }
  // Escape would leave it undecided without a word.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
}

function choice(close, words, kind, decide) {
  const decided = () => {
    close();
    decide();
  };
  // What Enter does loses nothing: theirs stays in the history, one's own would be gone.
  return element("button", { type: "button", class: kind, autofocus: kind === "go", onclick: decided }, words);
}

function headline(missed, reader) {
  const people = [...new Set(missed.map(({ who }) => who))];
  if (people.length === 0) return "This case has changed";
  if (people.every((who) => who === reader)) return "You changed this case in another window";
  return `${people.join(" and ")} changed this case while you were working`;
}

function comparison(desk, missed, reading) {
  const theirs = new Map(reading.marks.map((mark) => [keyOf(mark), mark]));
  const mine = desk.reading.pending.flatMap(({ changes }) => changes);
  const rows = new Map();
  for (const { changes, who, when } of missed)
    for (const change of changes) rows.set(keyOf(change.after ?? change.before), { who, when });
  for (const { before, after } of mine) {
    const key = keyOf(after ?? before);
    rows.set(key, { ...rows.get(key), mine: after });
  }
  return element("table", {},
    element("thead", {}, element("tr", {},
      ["Landmark", "Theirs", "Yours, not saved"].map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, [...rows].map(([key, { who, when, mine: own }]) =>
      element("tr", {},
        element("th", { scope: "row" }, landmarkOf(desk, key)),
        element("td", { class: "number", title: when ? `${who}, ${fullMoment(when)}` : null },
          when ? `${inWords(theirs.get(key))} (${shortMoment(when)})` : "as it was"),
        element("td", { class: "number" }, own === undefined ? "not touched" : inWords(own))))));
}

function landmarkOf(desk, key) {
  const at = key.indexOf("/");
  const title = desk.titles.get(key.slice(at + 1)) ?? key.slice(at + 1);
  return desk.film.frames > 1 ? `${title}, frame ${Number(key.slice(0, at)) + 1}` : title;
}

function inWords(mark) {
  if (!mark) return "no mark";
  if (mark.x === null) return "absent";
  const hidden = mark.state === "occluded" ? ", occluded" : "";
  return `x ${mark.x.toFixed(1)}, y ${mark.y.toFixed(1)}${hidden}`;
}
