/** Lines, arcs and texts of the chosen measurement above the film; data-role says what each is. */
import { drawn } from "../protocol/drawing.js";
import { short, svg } from "./svg.js";

/**
 * @param {SVGGElement} layer
 * @param {import("./desk.js").Desk} desk
 * @param {(name: string) => string} shown - the value as it stands beside the film: a number is
 *   never said in two ways
 */
export function showDrawing(layer, desk, shown) {
  const quantity = desk.protocol.quantities.find(({ name }) => name === desk.quantity);
  if (!quantity) {
    if (layer.firstChild) layer.replaceChildren();
    return;
  }
  const { width, height, spacing_mm: spacing } = desk.film;
  const shapes = drawn(desk.protocol, quantity, desk.marks, { spacing, size: [width, height] });
  const said = shown(quantity.name).replace(" deg", "°");
  layer.replaceChildren(
    ...shapes.map((shape) =>
      nodeOf(shape.kind === "text" && /\d/.test(shape.text) ? { ...shape, text: said } : shape, desk.view),
    ),
  );
}

function nodeOf(shape, view) {
  const node = KINDS[shape.kind](shape, ([x, y]) => view.toStage(x, y).map(short), view.scale);
  node.setAttribute("class", `shape ${shape.role}`);
  node.dataset.role = shape.role;
  return node;
}

const pathOf = (places) => `M${places.map((place) => place.join(" ")).join("L")}`;

const KINDS = {
  line: ({ from, to }, place) => svg("path", { d: pathOf([place(from), place(to)]) }),
  polyline: ({ points }, place) => svg("path", { d: pathOf(points.map(place)) }),
  arc: ({ points }, place) => svg("path", { d: pathOf(points.map(place)) }),
  circle: ({ centre, rx, ry }, place, scale) => {
    const [cx, cy] = place(centre);
    return svg("ellipse", { cx, cy, rx: short(rx * scale), ry: short(ry * scale) });
  },
  text: ({ at, text }, place) => {
    const [x, y] = place(at);
    return svg("text", { x, y, dx: 6, dy: 5 }, text);
  },
};
