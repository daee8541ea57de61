/** Lines, arcs and texts of the chosen measurement above the film. */

/**
 * @param {SVGGElement} layer
 * @param {import("./desk.js").Desk} desk
 */
export function showDrawing(layer, desk) {
  if (!desk.quantity) layer.replaceChildren();
}
