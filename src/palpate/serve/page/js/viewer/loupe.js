/** A magnifier at the cursor: four times as large as the film is shown, with a cross. */
const TIMES = 4;
const SIZE = 176;
const GAP = 26;

export class Loupe {
  /** @param {HTMLCanvasElement} canvas @param {import("./film.js").Film} film */
  constructor(canvas, film) {
    Object.assign(this, { canvas, film });
    this.on = false;
  }

  toggle() {
    this.on = !this.on;
    this.canvas.hidden = true;
    return this.on;
  }

  /**
   * @param {{x: number, y: number} | null} at - on the stage; null: gone
   * @param {import("./view.js").View} view
   * @param {{width: number, height: number}} stage
   */
  show(at, view, stage) {
    this.canvas.hidden = !this.on || at === null;
    if (this.canvas.hidden) return;
    const side = Math.round(SIZE * this.film.ratio);
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const [across, down] = [view.across * TIMES, view.down * TIMES];
    const { ratio } = this.film;
    this.film.paintPart(this.canvas, {
      left: view.left + at.x / view.across - SIZE / 2 / across,
      top: view.top + at.y / view.down - SIZE / 2 / down,
      across: across * ratio,
      down: down * ratio,
    });
    cross(this.canvas, side);
    // Above the cursor, or below it: never under it, over the name beside it, or off the stage.
    const left = at.x + GAP + SIZE > stage.width ? at.x - GAP - SIZE : at.x + GAP;
    const above = at.y - GAP - SIZE;
    const top = above >= 4 ? above : Math.min(stage.height - SIZE - 4, at.y + GAP);
    this.canvas.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }
}

/** A cross that leaves the middle free. */
function cross(canvas, side) {
  const context = canvas.getContext("2d");
  const [middle, gap] = [side / 2, side / 22];
  context.lineWidth = Math.max(1, side / 176);
  context.strokeStyle = "#f0e442";
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(middle + gap * dx, middle + gap * dy);
    context.lineTo(middle + (side / 2) * dx, middle + (side / 2) * dy);
  }
  context.stroke();
}
