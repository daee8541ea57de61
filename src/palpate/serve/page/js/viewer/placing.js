/**
 * Placing points one by one: each click sets the landmark whose turn it is and goes on to the
 * next that is missing.
 */
import { guide, nextUnset } from "../guide.js";

export class Placing {
  /**
   * @param {{guide: HTMLElement, plain: HTMLElement[], button: HTMLElement}} parts
   * @param {import("./desk.js").Desk} desk
   */
  constructor(parts, desk) {
    Object.assign(this, { parts, desk });
    this.panel = null;
    desk.addEventListener("placed", ({ detail }) => this.panel && this.next(detail));
    desk.addEventListener("framed", () => this.framed());
    for (const name of ["marks", "choice"]) desk.addEventListener(name, () => this.show());
    parts.button.addEventListener("click", () => this.toggle());
  }

  /** Another frame of a clip: a reader who had placed all of the last begins with the first. */
  framed() {
    if (this.panel && (this.whole || this.desk.mark())) this.next(null);
    this.show();
  }

  toggle() {
    if (!this.panel && !this.desk.may()) return;
    const { desk, parts } = this;
    if (this.panel) this.panel.remove();
    this.panel = this.panel ? null : guide(parts.guide, desk.protocol, {
      choose: (name) => desk.choose(name),
      absent: () => desk.markAbsent(),
      occluded: () => desk.markState(desk.mark()?.state === "occluded" ? "visible" : "occluded"),
      picture: (row) => `/api/projects/${encodeURIComponent(desk.film.project)}/landmarks/${row}.svg`,
    });
    const on = this.panel !== null;
    parts.guide.hidden = !on;
    for (const node of parts.plain) node.hidden = on;
    parts.button.setAttribute("aria-pressed", on);
    document.body.classList.toggle("guiding", on);
    if (on && (!desk.chosen || desk.mark())) this.next(null);
    this.show();
  }

  next(after) {
    const name = nextUnset(this.desk.protocol, this.desk.marks, after);
    if (name !== null) this.desk.choose(name);
  }

  show() {
    const { desk } = this;
    this.whole = desk.missing.length === 0;
    this.panel?.update({ marks: desk.marks, chosen: desk.chosen || null, placing: desk.placing });
  }
}
