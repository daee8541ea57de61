/**
 * Every key of the viewer: one table, for doing and for the help that lists it.
 *
 * @typedef {object} Key
 * @property {string} group
 * @property {string} shown - as the help prints it; empty: not listed of its own
 * @property {string} does - in words
 * @property {(event: KeyboardEvent) => boolean} is
 * @property {(event: KeyboardEvent) => void} run
 */
const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
const key = (...names) => (event) => plain(event) && names.includes(event.key);
const letter = (name) => (event) => plain(event) && event.key.toLowerCase() === name;
const control = (name, shift) => (event) =>
  (event.ctrlKey || event.metaKey) &&
  !event.altKey &&
  event.key.toLowerCase() === name &&
  event.shiftKey === shift;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PAN_PX = 60;

/** A tenth with Alt, ten with Shift, else one. */
function nudge(desk, event) {
  const [dx, dy] = ARROWS[event.key];
  const mark = desk.mark();
  if (desk.chosen && mark && mark.x !== null) {
    const size = event.altKey ? 0.1 : event.shiftKey ? 10 : 1;
    desk.nudge(size * dx, size * dy);
  } else desk.look(desk.view.panned(-PAN_PX * dx, -PAN_PX * dy));
}

/**
 * @param {import("./desk.js").Desk} desk
 * @param {object} actions - window(dx, dy), invert, automatic, loupe, names, ellipses, guide,
 *   sign, help, neighbour(by), focusPoint
 * @returns {Key[]}
 */
export function keys(desk, actions) {
  const row = (group, shown, does, is, run) => ({ group, shown, does, is, run });
  const go = (by) => () => {
    desk.step(by);
    actions.focusPoint();
  };
  return [
    row("Landmarks", "N  P", "next and previous landmark (also Tab)", letter("n"), go(1)),
    row("Landmarks", "", "", letter("p"), go(-1)),
    row("Landmarks", "U", "next of the model's points that it is least sure of", letter("u"), () => {
      desk.lookAtWorst();
      actions.focusPoint();
    }),
    row("Landmarks", "Arrows", "move it by 1 px; with Shift 10 px, with Alt 0.1 px",
      (event) => event.key in ARROWS && !event.ctrlKey && !event.metaKey,
      (event) => nudge(desk, event)),
    row("Landmarks", "A  Delete", "absent: not in the film",
      (event) => plain(event) && (event.key.toLowerCase() === "a" || event.key === "Delete"),
      () => desk.chosen && desk.markAbsent()),
    row("Landmarks", "O", "occluded: there, but hidden", letter("o"), () => desk.markState("occluded")),
    row("Landmarks", "V", "visible; confirms the model's point", letter("v"), () => desk.markState("visible")),
    row("Landmarks", "R", "back to where the model saw it", letter("r"), () => desk.chosen && desk.asPredicted()),
    row("Landmarks", "S", "swap left and right of the whole set", letter("s"), () => desk.swap()),
    row("Landmarks", "G", "place points one by one", letter("g"), actions.guide),
    row("Landmarks", "Esc", "let go of the landmark", key("Escape"), () => {
      desk.choose("");
      if (desk.quantity) desk.pick(desk.quantity);
    }),
    row("Work", "Ctrl Z", "undo", control("z", false), () => desk.undo()),
    row("Work", "Ctrl Shift Z", "redo", control("z", true), () => desk.undo(true)),
    row("Work", "", "", control("y", false), () => desk.undo(true)),
    row("Work", "Ctrl Enter", "sign", control("enter", false), actions.sign),
    row("Work", "]  [", "next and previous case", key("]"), () => actions.neighbour(1)),
    row("Work", "", "", key("["), () => actions.neighbour(-1)),
    row("Work", "?", "this list", key("?"), actions.help),
    ...looking(desk, actions, row),
    ...(desk.film.frames > 1 ? scrubbing(desk, row) : []),
  ];
}

function looking(desk, actions, row) {
  return [
    row("Film", "+  -", "larger and smaller (also the wheel)", key("+", "="), () => desk.zoom(1.25)),
    row("Film", "", "", key("-", "_"), () => desk.zoom(0.8)),
    row("Film", "F", "fit the film to the window", letter("f"), () => desk.fit()),
    row("Film", "1", "100 %: a pixel of the film for a pixel of the screen", key("1"),
      () => desk.scaleTo(1 / window.devicePixelRatio)),
    row("Film", "W  L", "narrower window, darker; with Shift wider, brighter (also drag with the right button)",
      letter("w"), (event) => actions.window(event.shiftKey ? 12 : -12, 0)),
    row("Film", "", "", letter("l"), (event) => actions.window(0, event.shiftKey ? -12 : 12)),
    row("Film", "0", "window as it came", key("0"), actions.recorded),
    row("Film", "I", "invert", letter("i"), actions.invert),
    row("Film", "M", "magnifier", letter("m"), actions.loupe),
    row("Film", "T", "names of all points", letter("t"), actions.names),
    row("Film", "E", "ellipses of the model", letter("e"), actions.ellipses),
    row("Film", "Space drag", "move the film", () => false, () => {}),
  ];
}

function scrubbing(desk, row) {
  return [
    row("Clip", ",  .", "previous and next frame; with Shift ten",
      (event) => plain(event) && (event.key === "." || event.key === ">"),
      (event) => desk.goTo(desk.frame + (event.shiftKey ? 10 : 1))),
    row("Clip", "", "", (event) => plain(event) && (event.key === "," || event.key === "<"),
      (event) => desk.goTo(desk.frame - (event.shiftKey ? 10 : 1))),
    row("Clip", "Page Up  Page Down", "previous and next frame with points", key("PageUp"),
      () => desk.goToMarked(-1)),
    row("Clip", "", "", key("PageDown"), () => desk.goToMarked(1)),
    row("Clip", "C", "copy the points of the last frame that has any", letter("c"), () => desk.carry()),
    row("Clip", "Home  End", "first and last frame", key("Home"), () => desk.goTo(0)),
    row("Clip", "", "", key("End"), () => desk.goTo(desk.film.frames - 1)),
  ];
}

const TYPING = "input:not([type=range], [type=checkbox]), textarea, select";

/** Listens on the whole page, but never while somebody types or a dialog asks. */
export function listen(table) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(TYPING)) return;
    // Sliders and lists keep their arrows.
    if (event.key in ARROWS && event.target.closest?.("input, [role=listbox]")) return;
    const found = table.find((each) => each.is(event));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}
