/** The landmarks as a list, and what can be done with the chosen one. */
import { element } from "../element.js";
import { wordOf } from "./points.js";
import { reaches } from "./sureness.js";

const SIGNS = { absent: "✕", missing: "·", model: "○", person: "●", occluded: "◌" };

function signOf(mark) {
  if (!mark) return SIGNS.missing;
  return mark.state === "visible" ? SIGNS[mark.origin] : SIGNS[mark.state];
}

function wordsOf(mark, reach) {
  if (mark?.state !== "visible") return mark?.state ?? "not placed";
  if (mark.origin !== "model") return "reader";
  return reach === undefined ? "model" : `model ± ${reach}`;
}

export class LandmarkList {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} card - of the chosen landmark; its height never changes
   * @param {import("./desk.js").Desk} desk
   */
  constructor(list, card, desk) {
    Object.assign(this, { card, desk });
    this.list = list;
    this.items = new Map();
    for (const { name, title, description } of desk.protocol.landmarks) {
      const sign = element("span", { class: "sign", "aria-hidden": "true" });
      const word = element("span", { class: "soft word" });
      const button = element("button", {
        type: "button", class: "quiet", title: description || null, "data-choose": name,
        onclick: () => desk.choose(name),
      }, sign, element("span", { class: "title" }, title), word);
      this.items.set(name, { button, sign, word });
      list.append(element("li", {}, button));
    }
    this.fillCard();
  }

  show() {
    const { marks, film, frame, doubted } = this.desk;
    const unit = film.spacing_mm ? "mm" : "px";
    const reach = reaches(film, frame);
    for (const [name, { button, sign, word }] of this.items) {
      const mark = marks.get(name) ?? null;
      button.setAttribute("aria-current", name === this.desk.chosen);
      const far = reach.has(name) ? `${reach.get(name).toFixed(1)} ${unit}` : undefined;
      const told = wordsOf(mark, far);
      if (word.textContent !== told) {
        word.textContent = told;
        word.title = mark?.origin === "model" && far
          ? `The model expects it within ${far} of here, with a chance of ${Math.round(100 * film.level)} %`
          : "";
        button.classList.toggle("doubted", mark?.origin === "model" && doubted.has(name));
        sign.textContent = signOf(mark);
        sign.dataset.kind = mark?.state === "visible" ? mark.origin : (mark?.state ?? "missing");
      }
    }
    this.showCard();
  }

  /** Puts the rows into the order of the desk. */
  arrange() {
    this.list.append(...this.desk.inTurn.map((name) => this.items.get(name).button.parentElement));
    this.list.parentElement.scrollTop = 0;
    this.reveal();
  }

  reveal() {
    this.items.get(this.desk.chosen)?.button.scrollIntoView({ block: "nearest" });
  }

  fillCard() {
    const { desk } = this;
    const act = (words, shortcut, run) =>
      element("button", { type: "button", onclick: run, "aria-keyshortcuts": shortcut,
        title: `${words} (${shortcut})` }, words);
    this.title = element("strong", { class: "title" });
    this.place = element("span", { class: "number soft place" });
    const model = desk.film.predictions.length > 0 ? act("As model", "R", () => desk.asPredicted()) : null;
    this.doing = element("div", { class: "doing", role: "group", "aria-label": "Chosen landmark" },
      act("Visible", "V", () => desk.markState("visible")),
      act("Occluded", "O", () => desk.markState("occluded")),
      act("Absent", "A", () => desk.markAbsent()), model);
    this.card.replaceChildren(this.title, this.place, this.doing);
  }

  showCard() {
    const { desk } = this;
    const mark = desk.mark();
    this.title.textContent = desk.chosen ? desk.titles.get(desk.chosen) : "No landmark chosen";
    this.place.textContent = placeOf(desk, mark);
    for (const button of this.doing.children)
      button.disabled = !desk.chosen || !desk.reading.editable;
  }
}

function placeOf(desk, mark) {
  if (!desk.chosen) return "Click a point, or press N";
  if (!mark) return "not placed yet: click on the film";
  if (mark.x === null) return "absent";
  return `x ${mark.x.toFixed(1)}  y ${mark.y.toFixed(1)} px, ${wordOf(mark)}`;
}
