/** The slider of a clip, where it is marked, and the frame that is shown: points change when their picture is there. */
import { markedFrames } from "./carry.js";
import { set, svg } from "./svg.js";

export class Clip {
  /**
   * @param {{bar: HTMLElement, slider: HTMLInputElement, text: HTMLElement, marked: SVGElement,
   *   copy: HTMLButtonElement}} parts
   * @param {import("./desk.js").Desk} desk
   * @param {import("./frames.js").Frames} frames
   * @param {(planes: object[]) => void} show
   */
  constructor(parts, desk, frames, show) {
    Object.assign(this, { parts, desk, frames, show });
    parts.bar.hidden = desk.film.frames < 2;
    parts.slider.max = String(desk.film.frames - 1);
    parts.slider.addEventListener("input", () => this.go(Number(parts.slider.value)));
    desk.addEventListener("frame", ({ detail }) => this.go(detail.frame));
    this.wanted = desk.frame;
    if (parts.bar.hidden) return;
    parts.copy.addEventListener("click", () => desk.carry());
    desk.reading.addEventListener("marks", () => this.showMarked());
    this.showMarked();
  }

  async go(frame) {
    const direction = frame >= this.wanted ? 1 : -1;
    this.wanted = frame;
    this.parts.slider.value = String(frame);
    this.say(frame);
    try {
      const planes = await this.frames.get(frame);
      // Another frame was asked for in the meantime: that one is shown.
      if (this.wanted !== frame) return;
      this.show(planes);
      this.desk.showFrame(frame);
      this.frames.ahead(frame, direction);
    } catch (refusal) {
      if (this.wanted === frame) this.desk.tell("unreadable", refusal.sentence ?? refusal.message);
    }
  }

  /** A tick above the slider for every frame with marks. */
  showMarked() {
    const frames = markedFrames(this.desk.reading);
    const told = frames.join(" ");
    if (told === this.told) return;
    this.told = told;
    const { marked } = this.parts;
    set(marked, { viewBox: `0 0 ${this.desk.film.frames - 1} 1`, "data-marked": frames.length });
    marked.replaceChildren(svg("path", { d: frames.map((frame) => `M${frame} 0v1`).join("") }));
    this.say(this.wanted);
  }

  say(frame) {
    const { frames, rate_hz: rate } = this.desk.film;
    const time = rate ? `, ${(frame / rate).toFixed(2)} s` : "";
    const count = Number(this.parts.marked.dataset.marked ?? 0);
    const words = `Frame ${frame + 1} of ${frames}${time} · ${count} marked`;
    this.parts.text.textContent = words;
    this.parts.slider.setAttribute("aria-valuetext", words);
  }
}
