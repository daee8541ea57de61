/** The case before or after this one, in the list as the reader last had it. */
import { api } from "../api.js";
import { readPlace } from "../queue/place.js";

/** What of the list a case's address asks for: its order and filters, or nothing. */
export function listOf(project) {
  const { project: listed, order, state, search } = readPlace();
  const query = new URLSearchParams(order ? { order } : {});
  if (listed === project && state) query.set("state", state);
  if (listed === project && search) query.set("search", search);
  return query;
}

/**
 * @param {{id: string, project: string}} film
 * @param {1 | -1} by
 * @returns {Promise<string>} identifier; empty at either end
 */
export async function neighbour(film, by) {
  const path = `/api/cases/${encodeURIComponent(film.id)}?${listOf(film.project)}`;
  const { before, after } = await api.get(path);
  return by < 0 ? before : after;
}
