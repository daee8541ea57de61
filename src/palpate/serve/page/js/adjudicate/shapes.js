import { svg } from "../viewer/svg.js";

// Told apart by shape as well as by colour, so that nobody needs the colours.
const SHAPES = [
  { word: "circle", colour: "model", path: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0" },
  { word: "square", colour: "purple", path: "M-5.5-5.5h11v11h-11z" },
  { word: "triangle", colour: "green", path: "M0-7 6.5 5h-13z" },
  { word: "diamond", colour: "vermillion", path: "M0-7.5 7.5 0 0 7.5-7.5 0z" },
  { word: "cross", colour: "grey", path: "M-6-6 6 6M-6 6 6-6" },
  { word: "wedge", colour: "blue", path: "M0 7-6.5-5h13z" },
];

/** How a reader's marks look; after six readers the shapes come again. */
export function shapeOf(row) {
  return SHAPES[row % SHAPES.length];
}

/** The shape, drawn: with a dark rim, so that it is seen on bright bone too. */
export function drawnShape(row) {
  const { colour, path } = shapeOf(row);
  return svg("g", { class: `reader reader-${colour}` },
    svg("path", { class: "rim", d: path }), svg("path", { class: "line", d: path }),
    svg("circle", { class: "centre", r: 1.2 }));
}

/** The same as a small picture in a line of text. */
export function shapeSign(row) {
  return svg("svg", { class: "shape-sign", viewBox: "-9 -9 18 18", "aria-hidden": "true" },
    drawnShape(row));
}
