/** Lines, arcs and texts of the chosen measurement above the film; data-role says what each is. */
import { drawn } from "../protocol/drawing.js";
import { short, svg } from "./svg.js";

/**
 * Shapes of the chosen measurement, in px of the film; none where none is chosen.
 *
 * @param {import("./desk.js").Desk} desk
 * @param {(name: string) => string} shown - the value as it stands beside the film: a number is
 *   never said in two ways
 */
export function drawnShapes(desk, shown) {
  const quantity = desk.protocol.quantities.find(({ name }) => name === desk.quantity);
  if (!quantity) return [];
  const { width, height, spacing_mm: spacing } = desk.film;
  const shapes = drawn(desk.protocol, quantity, desk.marks, { spacing, size: [width, height] });
  const said = shown(quantity.name).replace(" deg", "°");
  return shapes.map((shape) =>
    shape.kind === "text" && /\d/.test(shape.text) ? { ...shape, text: said } : shape);
}

/**
 * @param {SVGGElement} layer
 * @param {object[]} shapes
 * @param {import("./view.js").View} view
 * @param {{x: number, y: number, anchor: string}[]} places - of the texts, on the stage
 */
export function showDrawing(layer, shapes, view, places) {
  if (shapes.length === 0 && !layer.firstChild) return;
  const free = [...places];
  layer.replaceChildren(...shapes.map((shape) =>
    nodeOf(shape.kind === "text" ? { ...shape, place: free.shift() } : shape, view)));
}

function nodeOf(shape, view) {
  const node = KINDS[shape.kind](shape, ([x, y]) => view.toStage(x, y).map(short), view);
  node.setAttribute("class", `shape ${shape.role}`);
  node.dataset.role = shape.role;
  return node;
}

const pathOf = (places) => `M${places.map((place) => place.join(" ")).join("L")}`;

const KINDS = {
  line: ({ from, to }, place) => svg("path", { d: pathOf([place(from), place(to)]) }),
  polyline: ({ points }, place) => svg("path", { d: pathOf(points.map(place)) }),
  arc: ({ points }, place) => svg("path", { d: pathOf(points.map(place)) }),
  circle: ({ centre, rx, ry }, place, view) => {
    const [cx, cy] = place(centre);
    return svg("ellipse", { cx, cy, rx: short(rx * view.across), ry: short(ry * view.down) });
  },
  text: ({ text, place: { x, y, anchor } }) =>
    svg("text", { x: short(x), y: short(y), "text-anchor": anchor }, text),
};
