/**
 * Guided placing: which landmark comes now, where exactly it is, and how far one has come.
 *
 *     const panel = guide(container, protocol, {
 *       choose: (name) => ...,     // make it the landmark that the next click places
 *       absent: () => ...,         // the chosen landmark is not on the film
 *       occluded: () => ...,       // it cannot be seen, its place is clear: toggles
 *       picture: (row) => `/api/projects/${project}/landmarks/${row}.svg`,
 *     });
 *     panel.update({ marks, chosen: "nasion", placing: "visible" });
 *
 * `marks` is a Map of landmark -> mark of the frame that is shown. `placing` is how the next
 * click will place the landmark. The keys that stand on the buttons are those of the viewer.
 */
import { element } from "./element.js";

const STYLE = new URL("../guide.css", import.meta.url).href;
const WORDS = { visible: "set", occluded: "occluded", absent: "absent", model: "by the model",
  unset: "not set" };

/** What the list says of a mark; a model's that nobody has confirmed is not the reader's. */
function stateOf(mark) {
  if (!mark) return "unset";
  return mark.state === "visible" && mark.origin === "model" ? "model" : mark.state;
}

/** Landmark without a mark that comes next after one, round to the first; null when none is left. */
export function nextUnset(protocol, marks, after = null) {
  const names = protocol.landmarks.map(({ name }) => name);
  const at = names.indexOf(after);
  const inTurn = [...names.slice(at + 1), ...names.slice(0, Math.max(at, 0))];
  const waiting = inTurn.find((name) => !marks.has(name));
  if (waiting !== undefined) return waiting;
  return after !== null && !marks.has(after) ? after : null;
}

/** Mounts the panel; returns {update(state), remove()}. */
export function guide(container, protocol, actions) {
  const parts = panelParts();
  let state = { marks: new Map(), chosen: null, placing: "visible" };

  const act = {
    skip: () => {
      const next = nextUnset(protocol, state.marks, state.chosen);
      if (next !== null) actions.choose(next);
    },
    back: () => {
      const at = rowOf(protocol, state.chosen);
      if (at > 0) actions.choose(protocol.landmarks[at - 1].name);
    },
    absent: () => actions.absent(),
    occluded: () => actions.occluded(),
  };
  for (const [name, button] of Object.entries(parts.buttons))
    button.addEventListener("click", act[name]);
  const items = protocol.landmarks.map((landmark) => listItem(landmark, actions));
  parts.list.append(...items);
  arrows(parts.list);
  useStyle();
  container.replaceChildren(parts.root);

  return {
    update(next) {
      const before = state.chosen;
      state = { ...state, ...next };
      showProgress(parts, protocol, state);
      if (before !== state.chosen || !parts.title.textContent)
        showLandmark(parts, protocol, state.chosen, actions);
      showButtons(parts.buttons, protocol, state);
      items.forEach((item, row) => showItem(item, protocol.landmarks[row], state));
    },
    remove() {
      parts.root.remove();
    },
  };
}

function rowOf(protocol, name) {
  return protocol.landmarks.findIndex((landmark) => landmark.name === name);
}

function panelParts() {
  const button = (words, key) =>
    element("button", { type: "button" }, words, element("kbd", { "aria-hidden": "true" }, key));
  const parts = {
    count: element("p", { class: "guide-count number", role: "status" }),
    filled: element("span"),
    title: element("h3", { class: "guide-title" }),
    description: element("p", { class: "guide-description" }),
    picture: element("img", { class: "guide-picture", alt: "", hidden: true }),
    buttons: {
      absent: button("Absent", "A"),
      occluded: button("Occluded", "O"),
      back: button("Back", "P"),
      skip: button("Skip", "N"),
    },
    list: element("ol", { class: "guide-list", "aria-label": "All landmarks" }),
  };
  parts.picture.addEventListener("error", () => {
    parts.picture.hidden = true; // the words have to do
  });
  parts.now = element("div", { class: "guide-now" }, parts.title, parts.picture,
    parts.description,
    element("div", { class: "guide-buttons" }, Object.values(parts.buttons)));
  parts.root = element("section", { class: "guide", "aria-label": "Place the landmarks" },
    parts.count, element("div", { class: "guide-bar", "aria-hidden": "true" }, parts.filled),
    parts.now, parts.list);
  return parts;
}

function showProgress(parts, protocol, { marks, chosen }) {
  const all = protocol.landmarks.length;
  const done = protocol.landmarks.filter(({ name }) => marks.has(name)).length;
  const row = rowOf(protocol, chosen);
  const now = row < 0 ? "" : `${row + 1} of ${all}: ${protocol.landmarks[row].title}. `;
  const words = done === all ? `All ${all} landmarks are set.` : `${now}${done} set`;
  // Told anew only where it differs: a drag must not speak with every step.
  if (parts.count.textContent !== words) parts.count.textContent = words;
  parts.filled.style.setProperty("--share", all ? done / all : 0);
}

function showLandmark(parts, protocol, chosen, actions) {
  const landmark = protocol.landmarks[rowOf(protocol, chosen)];
  parts.now.hidden = !landmark;
  if (!landmark) return;
  parts.title.textContent = landmark.title;
  parts.description.textContent = landmark.description
    || "The protocol has no description of this landmark.";
  const known = landmark.picture !== null && landmark.picture !== undefined && actions.picture;
  const address = known ? actions.picture(landmark.picture) : null;
  parts.picture.hidden = !address;
  if (!address) return;
  parts.picture.alt = `Where to put ${landmark.title}`;
  parts.picture.src = address;
}

function showButtons(buttons, protocol, { marks, chosen, placing }) {
  const state = marks.get(chosen)?.state;
  buttons.absent.setAttribute("aria-pressed", String(state === "absent"));
  buttons.occluded.setAttribute("aria-pressed",
    String(state === undefined ? placing === "occluded" : state === "occluded"));
  buttons.back.disabled = rowOf(protocol, chosen) <= 0;
  buttons.skip.disabled = [null, chosen].includes(nextUnset(protocol, marks, chosen));
}

function listItem({ name, title }, actions) {
  return element("li", { "data-guide": name },
    element("button", { type: "button", class: "quiet", tabindex: -1,
      onclick: () => actions.choose(name) },
    element("span", { class: "guide-sign", "aria-hidden": "true" }),
    element("span", {}, title), element("span", { class: "guide-state" })));
}

function showItem(item, { name }, { marks, chosen }) {
  const state = stateOf(marks.get(name));
  const button = item.firstElementChild;
  const now = name === chosen;
  if (item.dataset.state !== state) {
    item.dataset.state = state;
    button.lastElementChild.textContent = WORDS[state];
  }
  if (now === (button.getAttribute("aria-current") === "step")) return;
  button.tabIndex = now ? 0 : -1;
  if (now) button.setAttribute("aria-current", "step");
  else button.removeAttribute("aria-current");
  if (now) item.scrollIntoView({ block: "nearest" });
}

/** One stop for Tab; the arrows move within. */
function arrows(list) {
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // the film's arrows move points
    const buttons = [...list.querySelectorAll("button")];
    buttons[buttons.indexOf(document.activeElement) + step]?.focus();
  });
}

function useStyle() {
  if (document.querySelector(`link[href="${STYLE}"]`)) return;
  document.head.append(element("link", { rel: "stylesheet", href: STYLE }));
}
