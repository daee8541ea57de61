/**
 * The case that a reader will most likely open first, fetched while they look at the list: the
 * modules of its page and its film come from the browser's own store afterwards.
 */
import { api } from "../api.js";

const AFTER_MS = 1500;
const QUIET = { credentials: "same-origin", priority: "low" };

let waiting = 0;
let expected = "";

/** @param {string} id - of the case; another one that is expected meanwhile takes its place */
export function expectCase(id) {
  clearTimeout(waiting);
  if (id !== expected) waiting = setTimeout(() => fetchCase(id), AFTER_MS);
}

async function fetchCase(id) {
  expected = id;
  const address = encodeURIComponent(id);
  try {
    const page = await (await fetch(`/case/${address}`, QUIET)).text();
    const parts = page.matchAll(/(?:href|src)="(\/page\/[^"]+\.(?:js|css))"/g);
    await Promise.all([...parts].map(([, part]) => fetch(part, QUIET).then((each) => each.blob())));
    await api.bytes(`/api/cases/${address}/pixels?frame=0`);
  } catch {
    // It is asked for again when it is opened, and fails in words there.
  }
}
