/**
 * Where names of points stand so that they cover neither each other nor a point.
 *
 * @param {{name: string, text: string, x: number, y: number, must: boolean}[]} points - on the
 *   stage, the most important first; `must`: named even where there is no room
 * @param {{name: string, text: string, x: number, y: number}[]} [texts] - numbers of a drawing,
 *   which are written in any case
 * @returns {Map<string, {x: number, y: number, anchor: "start" | "end" | "middle"}>}
 */
const WIDTH = 6.9;
const HEIGHT = 15;
const CLEAR = 9;
// Where a drawing writes its number unless a point is there.
const TEXT = [6, 5, "start"];
const PLACES = [
  [13, 4, "start"],
  [-13, 4, "end"],
  [0, -13, "middle"],
  [0, 22, "middle"],
  [11, -9, "start"],
  [-11, -9, "end"],
  [11, 18, "start"],
  [-11, 18, "end"],
];

export function labelled(points, texts = []) {
  const taken = points.map(({ x, y }) => ({
    x0: x - CLEAR, x1: x + CLEAR, y0: y - CLEAR, y1: y + CLEAR,
  }));
  const out = new Map();
  const all = [...points.filter(({ must }) => must),
    ...texts.map((text) => ({ ...text, must: true, places: [TEXT, ...PLACES] })),
    ...points.filter(({ must }) => !must)];
  for (const point of all) {
    const { places = PLACES } = point;
    const boxes = places.map((place) => boxOf(point, place));
    let best = boxes.findIndex((box) => !taken.some((other) => overlap(box, other)));
    if (best < 0 && point.must) best = 0;
    if (best < 0) continue;
    taken.push(boxes[best]);
    const [dx, dy, anchor] = places[best];
    out.set(point.name, { x: point.x + dx, y: point.y + dy, anchor });
  }
  return out;
}

function boxOf({ text, x, y }, [dx, dy, anchor]) {
  const wide = WIDTH * text.length;
  const x0 = x + dx - (anchor === "end" ? wide : anchor === "middle" ? wide / 2 : 0);
  return { x0, x1: x0 + wide, y0: y + dy - HEIGHT + 3, y1: y + dy + 3 };
}

const overlap = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
