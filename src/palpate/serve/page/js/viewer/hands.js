/** Mouse, keys and buttons of the case's page: what each of them does. */
import { Gestures } from "./gestures.js";
import { showKeys } from "./help.js";
import { keys, listen } from "./keys.js";
import { neighbour } from "./neighbour.js";

const byId = (id) => document.getElementById(id);

export class Hands {
  /** @param {import("./page.js").Page} page */
  constructor(page) {
    const { desk, layer, loupe, stage } = page;
    Object.assign(this, { page, desk, layer, loupe, stage });
    this.cursor = null;
  }

  watch() {
    const { desk } = this;
    this.gestures = new Gestures(this.stage, desk, {
      points: this.layer,
      window: (dx, dy) => this.page.tools.change(dx, dy),
      hover: (place) => this.hover(place),
    });
    this.table = keys(desk, this.actions());
    listen(this.table);
    this.watchSpace();
    const click = (id, run) => byId(id).addEventListener("click", run);
    click("undo", () => desk.undo());
    click("redo", () => desk.undo(true));
    click("sign", () => this.page.saving.sign());
    click("help", () => showKeys(this.table));
    click("magnifier", () => this.toggleLoupe());
    click("all-names", () => this.toggleNames());
    click("all-ellipses", () => this.toggleEllipses());
    click("before", () => this.go(-1));
    click("after", () => this.go(1));
    click("unsure", () => this.toggleOrder());
  }

  /** With the space bar held the film moves, whatever is below the hand. */
  watchSpace() {
    addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.closest("button, input, select, a, summary")) return;
      this.gestures.spaceHeld = true;
      event.preventDefault();
    });
    addEventListener("keyup", (event) => {
      if (event.key === " ") this.gestures.spaceHeld = false;
    });
  }

  actions() {
    const { page } = this;
    return {
      window: (dx, dy) => page.tools.change(dx, dy),
      recorded: () => page.tools.preset("recorded"),
      invert: () => page.tools.invert(),
      loupe: () => this.toggleLoupe(),
      names: () => this.toggleNames(),
      ellipses: () => this.toggleEllipses(),
      guide: () => page.placing.toggle(),
      sign: () => page.saving.sign(),
      help: () => showKeys(this.table),
      neighbour: (by) => this.go(by),
      focusPoint: () => this.focusPoint(),
    };
  }

  focusPoint() {
    const mark = this.desk.mark();
    this.page.drawPoints();
    if (mark && mark.x !== null) this.layer.focus(this.desk.chosen);
    else this.stage.focus({ preventScroll: true });
  }

  hover(place) {
    this.cursor = place;
    const name = place?.name ?? "";
    this.stage.classList.toggle("over-point", name !== "");
    this.loupe.show(place, this.desk.view, this.desk.stage);
    if (name === this.layer.hovered) return;
    this.layer.hovered = name;
    this.page.ask();
  }

  toggleLoupe() {
    byId("magnifier").setAttribute("aria-pressed", this.loupe.toggle());
    this.loupe.show(this.cursor, this.desk.view, this.desk.stage);
  }

  toggleNames() {
    this.layer.named = !this.layer.named;
    byId("all-names").setAttribute("aria-pressed", this.layer.named);
    this.page.drawPoints();
  }

  toggleEllipses() {
    this.page.showEllipses(byId("points").classList.contains("no-ellipses"));
  }

  /** The list, and the way through it, begins with what the model is least sure of. */
  toggleOrder() {
    const { desk } = this;
    desk.order(!desk.unsureFirst);
    byId("unsure").setAttribute("aria-pressed", desk.unsureFirst);
  }

  async go(by) {
    this.desk.finish();
    try {
      const id = await neighbour(this.desk.film, by);
      if (id) location.assign(`/case/${encodeURIComponent(id)}`);
      else this.desk.say(by > 0 ? "This is the last case of the list." : "This is the first case of the list.");
    } catch (refusal) {
      this.desk.say(refusal.sentence ?? String(refusal));
    }
  }
}
