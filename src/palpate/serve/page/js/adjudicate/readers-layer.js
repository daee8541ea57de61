import { set, short, svg } from "../viewer/svg.js";
import { drawnShape } from "./shapes.js";

/** Every reader's marks over the film, and threads from those of the chosen landmark to the mean. */
export class ReadersLayer {
  /**
   * @param {SVGSVGElement} root
   * @param {{titles: Map<string, string>, onChoose: (landmark: string) => void}} given
   */
  constructor(root, { titles, onChoose }) {
    Object.assign(this, { titles, onChoose });
    this.threads = svg("g", { class: "threads" });
    this.over = svg("g", {});
    root.replaceChildren(this.threads, this.over);
    this.nodes = new Map();
  }

  /**
   * @param {{readers: string[], marks: Map<string, Map<string, object>>, view: object,
   *   chosen: string, mean: {x: number, y: number} | null}} given - marks by reader, then
   *   landmark.
   */
  draw({ readers, marks, view, chosen, mean }) {
    const seen = new Set();
    for (const [row, reader] of readers.entries())
      for (const [landmark, mark] of marks.get(reader)) {
        if (mark.x === null) continue;
        const key = `${reader}/${landmark}`;
        seen.add(key);
        this.place(this.nodes.get(key) ?? this.made(key, row, reader, landmark), mark, view,
          landmark === chosen);
      }
    for (const [key, node] of this.nodes) {
      if (seen.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    this.drawThreads(readers.map((reader) => marks.get(reader).get(chosen)), view, mean);
  }

  made(key, row, reader, landmark) {
    // data-control: a press on it chooses, and does not pull the film along.
    const node = drawnShape(row);
    set(node, { "data-control": "", "data-reader": reader, "data-of": landmark });
    node.append(svg("title", {}, `${reader}: ${this.titles.get(landmark)}`));
    node.addEventListener("click", () => this.onChoose(landmark));
    this.nodes.set(key, node);
    this.over.append(node);
    return node;
  }

  place(node, mark, view, chosen) {
    const [x, y] = view.toStage(mark.x, mark.y);
    set(node, { transform: `translate(${short(x)} ${short(y)})`, "data-x": mark.x,
      "data-y": mark.y });
    node.classList.toggle("chosen", chosen);
    node.classList.toggle("occluded", mark.state === "occluded");
  }

  drawThreads(marks, view, mean) {
    const [x1, y1] = mean ? view.toStage(mean.x, mean.y) : [0, 0];
    const present = mean ? marks.filter((mark) => mark && mark.x !== null) : [];
    this.threads.replaceChildren(...present.map((mark) => {
      const [x2, y2] = view.toStage(mark.x, mark.y);
      return svg("line", { x1: short(x1), y1: short(y1), x2: short(x2), y2: short(y2) });
    }));
  }
}
