/** The case before or after this one, in the list as the reader last had it. */
import { api } from "../api.js";
import { readPlace } from "../queue/place.js";

const PAGE = 200;
// A list longer than this is not walked through for a neighbour.
const PAGES = 60;

/**
 * @param {{id: string, project: string}} film
 * @param {1 | -1} by
 * @returns {Promise<string | null>} identifier; null at either end
 */
export async function neighbour(film, by) {
  const place = readPlace();
  const { order, state, search } = place.project === film.project ? place : { order: "urgency" };
  let [after, previous, found] = ["", null, false];
  for (let page = 0; page < PAGES; page += 1) {
    const query = new URLSearchParams({ order: order || "urgency", limit: PAGE });
    if (state && state !== "new") query.set("state", state);
    if (search) query.set("search", search);
    if (after) query.set("after", after);
    const path = `/api/projects/${encodeURIComponent(film.project)}/queue?${query}`;
    const { rows, next } = await api.get(path);
    for (const { id } of rows) {
      if (found) return id;
      if (id === film.id && by < 0) return previous;
      found = id === film.id;
      previous = id;
    }
    if (!next) return null;
    after = next;
  }
  return null;
}
