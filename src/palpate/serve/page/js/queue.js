/** The list of cases: what to look at, in which order, and why. */
import { api } from "./api.js";
import { element } from "./element.js";
import { expectCase } from "./queue/ahead.js";
import { listenToKeys } from "./queue/keys.js";
import { openLabels } from "./queue/labels.js";
import { fromTheTop, keepPlace, readPlace } from "./queue/place.js";
import { rowElements } from "./queue/rows.js";
import { openUpload } from "./queue/upload.js";
import { may, topBar } from "./top-bar.js";

const LIMIT = 50;
const DIRECTION = { urgency: "descending", image: "ascending", updated: "descending" };
const STATES = [["", "All", "cases"], ["new", "New", "new"], ["open", "Open", "open"],
  ["signed", "Signed", "signed"]];
const byId = (id) => document.getElementById(id);

let place = readPlace();
let session = null;
let projects = [];
let shown = { rows: [], total: 0, next: "" };
let asked = 0;

function project() {
  return projects.find(({ id }) => id === place.project) || projects[0];
}

function queueAddress(overrides = {}) {
  const { order, state, search } = place;
  const query = new URLSearchParams({ order, limit: LIMIT, after: place.cursors.at(-1),
    ...(state && { state }), ...(search && { search }), ...overrides });
  return `/api/projects/${project().id}/queue?${query}`;
}

/** Asks for the page of the list that `place` names, and shows it; an older answer is dropped. */
async function load() {
  const turn = ++asked;
  byId("cases").setAttribute("aria-busy", "true");
  keepPlace(place);
  try {
    projects = await api.get("/api/projects");
    const page = projects.length ? await api.get(queueAddress()) : { rows: [], total: 0, next: "" };
    if (turn !== asked) return;
    if (!page.rows.length && place.cursors.length > 1) {
      go({ ...place, cursors: place.cursors.slice(0, -1) }); // the last page has emptied
      return;
    }
    shown = page;
    byId("trouble").replaceChildren();
    show();
    showStart();
  } catch (refusal) {
    if (turn === asked) showTrouble(refusal);
  } finally {
    if (turn === asked) byId("cases").setAttribute("aria-busy", "false");
  }
}

function go(next) {
  place = next;
  return load();
}

function showTrouble(refusal) {
  byId("trouble").replaceChildren(
    element("span", {}, refusal.sentence || String(refusal)),
    element("button", { type: "button", onclick: () => (session ? load() : start()) },
      "Try again"));
}

function show() {
  showProject();
  showStates();
  showRows();
  showPages();
  if (document.activeElement !== byId("search")) byId("search").value = place.search;
  for (const header of document.querySelectorAll("th[data-order]")) {
    const { order } = header.dataset;
    header.setAttribute("aria-sort", order === place.order ? DIRECTION[order] : "none");
  }
}

function showProject() {
  const chosen = project();
  byId("project-choice").hidden = projects.length < 2;
  byId("project").replaceChildren(...projects.map(({ id, name }) =>
    element("option", { value: id, selected: id === chosen.id }, name)));
  byId("upload").hidden = byId("labels").hidden = !chosen || !may(session, "reviewer");
  if (!chosen) return;
  const about = [
    chosen.protocol ? `measured by ${chosen.protocol}` : `${chosen.landmarks} landmarks`,
    chosen.blinded ? "each reader on their own" : "",
    chosen.assisted ? "" : "without the model's marks",
  ];
  byId("project-name").textContent = chosen.name;
  byId("project-about").textContent = about.filter(Boolean).join(" · ");
  document.title = `${chosen.name} - palpate`;
}

function showStates() {
  const chosen = project();
  byId("states").replaceChildren(...STATES.map(([state, word, count]) =>
    element("button", { type: "button", "aria-pressed": String(place.state === state),
      onclick: () => go(fromTheTop(place, { state })) },
    state ? element("span", { class: `state ${state}` }, word) : word,
    element("span", { class: "count" }, chosen ? chosen[count] : 0))));
}

function showRows() {
  const comparable = Boolean(project()?.blinded) && may(session, "reviewer");
  const kept = place.focused;
  const had = byId("rows").contains(document.activeElement);
  byId("rows").replaceChildren(...rowElements(shown.rows, { comparable }));
  byId("cases").hidden = !shown.rows.length;
  byId("empty").hidden = shown.rows.length > 0;
  if (!shown.rows.length) byId("empty").replaceChildren(...emptyWords());
  const row = shown.rows.find(({ id }) => id === kept);
  if (row && (had || document.activeElement === document.body)) linkOf(row.id).focus();
}

function linkOf(id) {
  return byId("rows").querySelector(`tr[data-case="${CSS.escape(id)}"] .open-case`);
}

function emptyWords() {
  if (!projects.length)
    return [element("p", {}, "There is no project yet."),
      element("p", { class: "soft" }, "Start palpate review with a study or with predictions.")];
  if (place.search || place.state) {
    const all = () => go(fromTheTop(place, { search: "", state: "" }));
    return [element("p", {}, place.search ? `No case fits '${place.search}'.`
      : `No case is ${place.state}.`),
    element("button", { type: "button", onclick: all }, "Show all cases")];
  }
  return [element("p", {}, "There are no films in this project yet."),
    may(session, "reviewer") ? element("p", { class: "soft" }, "Add films to begin.") : null]
    .filter(Boolean);
}

function showPages() {
  const first = (place.cursors.length - 1) * LIMIT + 1;
  const last = first + shown.rows.length - 1;
  const words = shown.rows.length ? `${first} to ${last} of ${shown.total}` : "no cases";
  byId("pages").hidden = place.cursors.length === 1 && !shown.next;
  byId("previous").disabled = place.cursors.length === 1;
  byId("next").disabled = !shown.next;
  byId("range").textContent = words;
  byId("said").textContent = `Cases ${words}`;
  byId("caption").textContent = `Cases of ${project()?.name ?? "no project"}, ${words}`;
}

/** The first case that nobody has signed, in the order that is shown. */
async function showStart() {
  let first = place.cursors.length === 1 && shown.rows.find(({ state }) => state !== "signed");
  if (!first && project() && place.state !== "signed") {
    for (const state of ["new", "open"]) {
      if (first || !project()[state]) continue;
      first = (await api.get(queueAddress({ state, after: "", limit: 1 }))).rows[0];
    }
  }
  byId("start").hidden = !first;
  if (!first) return;
  byId("start").href = `/case/${first.id}`;
  expectCase(first.id);
}

function listen() {
  byId("project").addEventListener("change", (event) =>
    go(fromTheTop(place, { project: event.target.value, search: "", state: "" })));
  for (const header of document.querySelectorAll("th[data-order]"))
    header.querySelector("button").addEventListener("click", () =>
      go(fromTheTop(place, { order: header.dataset.order })));
  byId("next").addEventListener("click", () =>
    go({ ...place, cursors: [...place.cursors, shown.next], focused: "" }).then(toTheTop));
  byId("previous").addEventListener("click", () =>
    go({ ...place, cursors: place.cursors.slice(0, -1), focused: "" }).then(toTheTop));
  byId("upload").addEventListener("click", () => openUpload(project().id, load));
  byId("labels").addEventListener("click", () => openLabels(project(), readersSeen()));
  byId("rows").addEventListener("focusin", (event) => {
    place = { ...place, focused: event.target.closest("tr")?.dataset.case || "" };
    keepPlace(place);
  });
  document.addEventListener("visibilitychange", () => document.hidden || load());
  listenToSearch();
  listenToKeys({ rows: byId("rows"), search: byId("search") });
}

function toTheTop() {
  scrollTo(0, 0);
  byId("rows").querySelector(".open-case")?.focus();
}

function readersSeen() {
  return [...new Set([...shown.rows.flatMap(({ readers }) => readers), session.name])].sort();
}

function listenToSearch() {
  let pause = 0;
  const search = () => {
    clearTimeout(pause);
    if (byId("search").value !== place.search)
      go(fromTheTop(place, { search: byId("search").value }));
  };
  byId("search").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(search, 250); // until the typing rests
  });
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
}

async function start() {
  try {
    session = await api.whoami();
  } catch (refusal) {
    showTrouble(refusal);
    return;
  }
  topBar(byId("top-bar"), session, "Cases");
  listen();
  await load();
}

await start();
