/**
 * How a film lies on the stage: which part of it is seen, and how large.
 *
 * A point of the film is in px with 0 at the centre of the first pixel, so that pixel i covers
 * i - 0.5 to i + 0.5. A place on the stage is in CSS px from its upper left corner. Half a pixel
 * is added here and nowhere else.
 */
const HALF = 0.5;
const MOST = 64;

export class View {
  /**
   * @param {number} scale - CSS px for one px of the film
   * @param {number} left - where the stage's left edge is, in px from the film's left edge
   * @param {number} top - likewise
   */
  constructor(scale, left, top) {
    this.scale = scale;
    this.left = left;
    this.top = top;
    Object.freeze(this);
  }

  /** Place on the stage of a point of the film. */
  toStage(x, y) {
    return [(x + HALF - this.left) * this.scale, (y + HALF - this.top) * this.scale];
  }

  /** Point of the film at a place on the stage. */
  toFilm(x, y) {
    return [x / this.scale + this.left - HALF, y / this.scale + this.top - HALF];
  }

  /** The view after the film was pulled along by so many CSS px. */
  panned(dx, dy) {
    return new View(this.scale, this.left - dx / this.scale, this.top - dy / this.scale);
  }

  /** The view at another scale; what is at (x, y) of the stage stays there. */
  scaled(scale, x, y) {
    const left = this.left + x / this.scale - x / scale;
    return new View(scale, left, this.top + y / this.scale - y / scale);
  }

  /** The nearest view that shows some of the film, neither vanishing nor larger than MOST. */
  kept(film, stage) {
    const least = Math.min(1, fit(film, stage).scale) / 4;
    const scale = Math.min(MOST, Math.max(least, this.scale));
    const view =
      scale === this.scale ? this : this.scaled(scale, stage.width / 2, stage.height / 2);
    const wide = stage.width / scale;
    const high = stage.height / scale;
    // An eighth of the stage, or the whole of a small film, stays in sight.
    const edge = { x: Math.min(wide / 8, film.width), y: Math.min(high / 8, film.height) };
    const left = Math.min(film.width - edge.x, Math.max(edge.x - wide, view.left));
    const top = Math.min(film.height - edge.y, Math.max(edge.y - high, view.top));
    return left === view.left && top === view.top ? view : new View(scale, left, top);
  }
}

/** The view that shows a whole film as large as the stage allows, in the middle. */
export function fit(film, stage) {
  const room = Math.min(stage.width / film.width, stage.height / film.height);
  const scale = Math.max(1e-3, Math.min(MOST, room));
  const left = (film.width - stage.width / scale) / 2;
  return new View(scale, left, (film.height - stage.height / scale) / 2);
}
