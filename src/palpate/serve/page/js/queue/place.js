const KEY = "palpate-queue";
const FRESH = { project: "", order: "urgency", state: "", search: "", cursors: [""], focused: "" };

/**
 * Where the reader is in the list: project, order, filter, search, page, case.
 *
 * It is kept for the tab and not in the address, since a search may be for a person; so it holds
 * through a reload and on the way back from a case. `cursors` has an entry for each page up to
 * the one that is shown: what the request for it says in `after`.
 */
export function readPlace() {
  try {
    return { ...FRESH, ...JSON.parse(sessionStorage.getItem(KEY) || "{}") };
  } catch {
    return { ...FRESH }; // storage that is switched off, or holds something else
  }
}

export function keepPlace(place) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(place));
  } catch {
    // the list works without it
  }
}

/** The same list from its first page. */
export function fromTheTop(place, changes) {
  return { ...place, ...changes, cursors: [""], focused: "" };
}
