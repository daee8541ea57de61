/** The keys of the comparison; the same as the viewer's where they do the same. */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PAN_PX = 60;

/**
 * @param {import("./bench.js").Bench} bench
 * @param {{table: object, invert: () => void, sign: () => void}} parts
 */
export function keyRows(bench, { table, invert, sign }) {
  const { desk } = bench;
  const plain = (...names) => (event) =>
    !event.ctrlKey && !event.metaKey && !event.altKey && names.includes(event.key.toLowerCase());
  const control = (name, shift) => (event) => (event.ctrlKey || event.metaKey)
    && event.key.toLowerCase() === name && event.shiftKey === shift;
  return [
    { is: plain("n"), run: () => table.step(1) },
    { is: plain("p"), run: () => table.step(-1) },
    { is: plain("m"), run: () => bench.takeMean() },
    { is: plain("a", "delete"), run: () => bench.takeAbsent() },
    { is: plain("o"), run: () => desk.chosen && desk.markState("occluded") },
    { is: plain("v"), run: () => desk.chosen && desk.markState("visible") },
    { is: plain("f"), run: () => desk.fit() },
    { is: plain("i"), run: invert },
    { is: plain("+", "="), run: () => desk.zoom(1.25) },
    { is: plain("-", "_"), run: () => desk.zoom(0.8) },
    { is: plain("escape"), run: () => desk.choose("") },
    { is: control("z", false), run: () => desk.undo() },
    { is: control("z", true), run: () => desk.undo(true) },
    { is: control("y", false), run: () => desk.undo(true) },
    { is: control("enter", false), run: sign },
    { is: (event) => /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey,
      run: (event) => {
        const reader = bench.readers[Number(event.key) - 1];
        if (reader && desk.chosen) bench.take(reader);
      } },
    { is: (event) => event.key in ARROWS && !event.ctrlKey && !event.metaKey,
      run: (event) => nudge(desk, event) },
  ];
}

function nudge(desk, event) {
  const [dx, dy] = ARROWS[event.key];
  const mark = desk.mark();
  if (!desk.chosen || !mark || mark.x === null)
    return desk.look(desk.view.panned(-PAN_PX * dx, -PAN_PX * dy));
  const size = event.altKey ? 0.1 : event.shiftKey ? 10 : 1;
  return desk.nudge(size * dx, size * dy);
}
