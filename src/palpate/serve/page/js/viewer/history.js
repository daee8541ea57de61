/** What happened to this reading, the newest first. */
import { element } from "../element.js";
import { fullMoment, shortMoment } from "../moment.js";

const SHOWN = 50;
const WORDS = {
  undo: "took a step back",
  redo: "did a step again",
  comment: "wrote",
  sign: "signed",
  reopen: "reopened",
  predicted: "a new prediction came",
  adjudicate: "settled",
};

/**
 * @param {{list: HTMLElement, summary: HTMLElement}} parts
 * @param {import("./desk.js").Desk} desk
 */
export function showHistory({ list, summary }, desk) {
  const events = desk.reading.events.slice(-SHOWN).reverse();
  const notes = events.filter(({ kind }) => kind === "comment").length;
  const count = notes === 1 ? "one note" : `${notes} notes`;
  summary.textContent = notes ? `History and notes (${count})` : "History and notes";
  list.replaceChildren(...events.map(({ kind, who, when, changes, note }) =>
    element("li", { class: kind },
      element("span", { class: "soft number", title: fullMoment(when) }, shortMoment(when)), " ",
      element("span", {}, who), " ",
      element("span", { class: "soft" }, [told(desk, kind, changes), note].filter(Boolean).join(": ")))));
}

function told(desk, kind, changes) {
  const names = [...new Set(changes.map(({ before, after }) =>
    desk.titles.get((after ?? before).landmark) ?? ""))];
  const which = names.length > 2 ? `${names.length} landmarks` : names.join(", ");
  if (kind !== "marks") return [WORDS[kind] ?? kind, which].filter(Boolean).join(", ");
  const only = changes.length === 1 ? changes[0] : null;
  if (!only) return `changed ${which}`;
  if (only.after === null) return `took ${which} away`;
  if (only.after.state === "absent") return `${which}: absent`;
  if (only.after.state !== (only.before?.state ?? "visible")) return `${which}: ${only.after.state}`;
  if (only.before?.x == null) return `placed ${which}`;
  const far = Math.hypot(only.after.x - only.before.x, only.after.y - only.before.y);
  return far === 0 ? `confirmed ${which}` : `moved ${which} by ${far.toFixed(1)} px`;
}
