/**
 * How a film lies on the stage: which part of it is seen, and how large.
 *
 * A point of the film is in px with 0 at the centre of the first pixel, so that pixel i covers
 * i - 0.5 to i + 0.5. A place on the stage is in CSS px from its upper left corner. Half a pixel
 * is added here and nowhere else.
 *
 * Pixels that are not square in mm are not square on the stage: `aspect` is how much wider and
 * higher than `scale` a pixel is drawn, and its lesser number is 1.
 */
const HALF = 0.5;
const MOST = 64;
const SQUARE = [1, 1];

export class View {
  /**
   * @param {number} scale - CSS px for one px of the film, along the axis that has finer pixels
   * @param {number} left - where the stage's left edge is, in px from the film's left edge
   * @param {number} top - likewise
   * @param {[number, number]} aspect - across and down
   */
  constructor(scale, left, top, aspect = SQUARE) {
    this.scale = scale;
    this.left = left;
    this.top = top;
    this.aspect = aspect;
    this.across = scale * aspect[0];
    this.down = scale * aspect[1];
    Object.freeze(this);
  }

  /** Place on the stage of a point of the film. */
  toStage(x, y) {
    return [(x + HALF - this.left) * this.across, (y + HALF - this.top) * this.down];
  }

  /** Point of the film at a place on the stage. */
  toFilm(x, y) {
    return [x / this.across + this.left - HALF, y / this.down + this.top - HALF];
  }

  /** The view after the film was pulled along by so many CSS px. */
  panned(dx, dy) {
    const { scale, aspect } = this;
    return new View(scale, this.left - dx / this.across, this.top - dy / this.down, aspect);
  }

  /** The view at another scale; what is at (x, y) of the stage stays there. */
  scaled(scale, x, y) {
    const [across, down] = this.aspect.map((each) => each * scale);
    const left = this.left + x / this.across - x / across;
    return new View(scale, left, this.top + y / this.down - y / down, this.aspect);
  }

  /** The nearest view that shows some of the film, neither vanishing nor larger than MOST. */
  kept(film, stage) {
    const least = Math.min(1, fit(film, stage).scale) / 4;
    const scale = Math.min(MOST, Math.max(least, this.scale));
    const view =
      scale === this.scale ? this : this.scaled(scale, stage.width / 2, stage.height / 2);
    const wide = stage.width / view.across;
    const high = stage.height / view.down;
    // An eighth of the stage, or the whole of a small film, stays in sight.
    const edge = { x: Math.min(wide / 8, film.width), y: Math.min(high / 8, film.height) };
    const left = Math.min(film.width - edge.x, Math.max(edge.x - wide, view.left));
    const top = Math.min(film.height - edge.y, Math.max(edge.y - high, view.top));
    return left === view.left && top === view.top ? view : new View(scale, left, top, view.aspect);
  }
}

/** The view that shows a whole film as large as the stage allows, in the middle. */
export function fit(film, stage) {
  const aspect = aspectOf(film.spacing_mm);
  const [width, height] = [film.width * aspect[0], film.height * aspect[1]];
  const scale = Math.max(1e-3, Math.min(MOST, stage.width / width, stage.height / height));
  const left = (film.width - stage.width / scale / aspect[0]) / 2;
  return new View(scale, left, (film.height - stage.height / scale / aspect[1]) / 2, aspect);
}

/** Sides of a pixel, the lesser of them 1; square where the film is not calibrated. */
export function aspectOf(spacing) {
  if (!spacing || spacing[0] === spacing[1]) return SQUARE;
  const least = Math.min(...spacing);
  return [spacing[0] / least, spacing[1] / least];
}
