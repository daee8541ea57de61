/**
 * What every case needs is asked for before the other modules are there: who reads, the case,
 * and its first frame. Nobody waits here, and what fails is told where it is used.
 */
import { api } from "../api.js";

export const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
export const path = `/api/cases/${encodeURIComponent(id)}`;

function soon(asked) {
  asked.catch(() => {});
  return asked;
}

export const session = soon(api.whoami());
export const film = soon(api.get(path));
export const firstFrame = soon(api.bytes(`${path}/pixels?frame=0`));
