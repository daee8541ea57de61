import { element } from "../element.js";

const WORDS = { new: "not begun", open: "still reading", signed: "done, signed" };

/**
 * Who may be shown to whom: readings are compared once two are signed, so that nobody's eye is
 * led by a reading that is not finished.
 *
 * @param {object[]} readings - ReadingMessages of the readers
 * @param {string} own - account of the reviewer
 * @returns {{ready: object[], why: "" | "waiting" | "own"}}
 */
export function gate(readings, own) {
  const ready = readings.filter(({ state }) => state === "signed");
  const mine = readings.find(({ reading }) => reading === own);
  if (mine?.state === "open") return { ready, why: "own" };
  return { ready, why: ready.length < 2 ? "waiting" : "" };
}

/** Says why there is nothing to see yet. */
export function showGate(root, { why, readings, caseId }) {
  const text = why === "own"
    ? "Your own reading of this case is not signed. Sign it first: what the others set would "
      + "lead your eye."
    : "Readings are compared once two readers have signed theirs, each without seeing the "
      + "other's.";
  root.hidden = false;
  root.replaceChildren(
    element("h2", {}, "Not yet"),
    element("p", {}, text),
    readings.length ? element("ul", { "aria-label": "Readings so far" },
      readings.map(({ reading, state }) => element("li", {}, element("span", {}, reading),
        element("span", { class: `state ${state}` }, WORDS[state])))) : "",
    element("div", { class: "actions" },
      why === "own" ? element("a", { class: "button", href: `/case/${caseId}` }, "Open my reading")
        : "",
      element("a", { class: "button go", href: "/" }, "Back to the cases")));
}
