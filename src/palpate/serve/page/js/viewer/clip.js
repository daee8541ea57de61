/** The slider of a clip and the frame that is shown: points change when their picture is there. */
export class Clip {
  /**
   * @param {{bar: HTMLElement, slider: HTMLInputElement, text: HTMLElement}} parts
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
      this.desk.finish();
      this.desk.frame = frame;
      this.show(planes);
      this.desk.tell("marks");
      this.frames.ahead(frame, direction);
    } catch (refusal) {
      if (this.wanted === frame) this.desk.tell("unreadable", refusal.sentence ?? refusal.message);
    }
  }

  say(frame) {
    const { frames, rate_hz: rate } = this.desk.film;
    const time = rate ? `, ${(frame / rate).toFixed(2)} s` : "";
    const words = `Frame ${frame + 1} of ${frames}${time}`;
    this.parts.text.textContent = words;
    this.parts.slider.setAttribute("aria-valuetext", words);
  }
}
