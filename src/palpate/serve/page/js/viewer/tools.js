/** The bar below the film: window, zoom, and what is shown. */
import { automatic, full, range } from "./window.js";

export class Tools {
  /**
   * @param {Object<string, HTMLElement>} parts - by id
   * @param {import("./desk.js").Desk} desk
   * @param {import("./film.js").Film} film
   */
  constructor(parts, desk, film) {
    Object.assign(this, { parts, desk, film });
    const [centre, width] = desk.film.window;
    this.recorded = { centre, width };
    this.set(this.recorded, "recorded");
    this.listen();
  }

  listen() {
    const { parts, desk } = this;
    parts.preset.addEventListener("change", () => this.preset(parts.preset.value));
    for (const slider of [parts.level, parts.width])
      slider.addEventListener("input", () =>
        this.set({ centre: Number(parts.level.value), width: this.widthAt(parts.width.value) }));
    parts.invert.addEventListener("click", () => this.invert());
    parts.fit.addEventListener("click", () => desk.fit());
    parts.larger.addEventListener("click", () => desk.zoom(1.25));
    parts.smaller.addEventListener("click", () => desk.zoom(0.8));
    parts.zoom.addEventListener("change", () => {
      const percent = Number(parts.zoom.value);
      if (percent > 0) desk.scaleTo(percent / 100 / this.film.ratio);
      this.showZoom();
    });
  }

  /** Sliders of the width are logarithmic: a radiograph has narrow windows and wide ones. */
  widthAt(value) {
    const [least, greatest] = range(this.film.dtype);
    return Math.round((greatest - least + 1) ** (Number(value) / 1000));
  }

  atWidth(width) {
    const [least, greatest] = range(this.film.dtype);
    return Math.round((1000 * Math.log(Math.max(1, width))) / Math.log(greatest - least + 1));
  }

  /** @param {import("./window.js").Window} window @param {string} preset - or 'own' */
  set(window, preset = "own") {
    const { parts } = this;
    const values = this.extent ?? range(this.film.dtype);
    this.window = { centre: window.centre, width: Math.max(1, window.width) };
    this.film.window(this.window);
    parts.level.min = String(Math.min(values[0], Math.floor(window.centre)));
    parts.level.max = String(Math.max(values[1], Math.ceil(window.centre)));
    parts.level.value = String(Math.round(window.centre));
    parts.width.value = String(this.atWidth(window.width));
    parts.preset.value = preset;
    const words = `centre ${Math.round(window.centre)}, width ${Math.round(window.width)}`;
    parts.windowText.textContent = words;
    parts.level.setAttribute("aria-valuetext", words);
    parts.width.setAttribute("aria-valuetext", words);
  }

  /** Sliders run over the values that the film has. */
  know(planes) {
    if (this.extent) return;
    const { centre, width } = full(planes[0].level(3).values);
    this.extent = [Math.floor(centre - width / 2), Math.ceil(centre + width / 2)];
    this.set(this.window, this.parts.preset.value);
  }

  preset(name) {
    const plane = this.film.planes?.[0];
    if (name === "recorded" || !plane) return this.set(this.recorded, "recorded");
    if (name === "full") return this.set(full(plane.level(1).values), name);
    const values = name === "view" ? this.film.valuesInView() : plane.level(2).values;
    return this.set(automatic(values, this.film.depth), name);
  }

  /** Right drag and keys: across for the width, down for darker; a step is relative to the width. */
  change(dx, dy) {
    const { centre, width } = this.window;
    this.set({ centre: centre + (dy * width) / 300, width: Math.max(1, width * Math.exp(dx / 150)) });
  }

  invert() {
    this.film.window(this.window, { inverted: !this.film.inverted });
    this.parts.invert.setAttribute("aria-pressed", this.film.inverted);
  }

  showZoom() {
    if (document.activeElement !== this.parts.zoom || this.desk.fitted)
      this.parts.zoom.value = String(Math.round(1000 * this.desk.view.scale * this.film.ratio) / 10);
  }
}
