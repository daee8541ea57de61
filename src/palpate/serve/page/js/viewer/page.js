/** The parts of the case's page, kept in step with the desk. */
import { api } from "../api.js";
import { element } from "../element.js";
import { drawnShapes, showDrawing } from "./drawings.js";
import { Hands } from "./hands.js";
import { LandmarkList } from "./list.js";
import { Loupe } from "./loupe.js";
import { neighbour } from "./neighbour.js";
import { Panel } from "./panel.js";
import { Placing } from "./placing.js";
import { PointLayer } from "./points.js";
import { Saving } from "./saving.js";
import { Speaker } from "./status.js";
import { crowded } from "./sureness.js";
import { titled } from "./titled.js";

// A reader who only passes through does not wait for the film after the next.
const READ_AHEAD_MS = 1500;

const byId = (id) => document.getElementById(id);

export class Page {
  constructor({ desk, saver, canvas, urls }) {
    Object.assign(this, { desk, canvas });
    this.stage = byId("stage");
    this.speaker = new Speaker(byId("said"));
    this.panel = new Panel(byId("measurement-table"), desk);
    this.list = new LandmarkList(byId("landmark-list"), byId("chosen"), desk);
    this.loupe = new Loupe(byId("loupe"), canvas);
    this.layer = new PointLayer(byId("points"), {
      landmarks: desk.protocol.landmarks,
      edges: desk.protocol.edges,
      ellipses: desk.film.ellipse,
      onFocus: (name) => desk.choose(name),
    });
    this.placing = new Placing(
      { guide: byId("guide"), plain: [byId("landmark-scroll"), byId("chosen")], button: byId("guided") },
      desk,
    );
    this.saving = new Saving(desk, saver, urls, () => {
      byId("measured").textContent = this.panel.told();
      this.ask();
    });
    this.hands = new Hands(this);
  }

  start() {
    this.head();
    this.watchDesk();
    this.saving.watch();
    this.hands.watch();
    this.showEllipses(!crowded(this.desk.film.predictions.filter(({ frame }) => frame === 0)));
    new ResizeObserver(() => this.resized()).observe(this.stage);
    this.resized();
    this.framed();
    this.saving.show();
    this.askedFor = 0;
  }

  head() {
    const { film, protocol } = this.desk;
    document.title = `${film.image} - palpate`;
    byId("case-name").textContent = film.image;
    const known = film.spacing_mm ? "" : "not calibrated: no millimetres";
    const read = this.desk.reading.name === "shared" ? "" : `reading of ${this.desk.reading.name}`;
    byId("case-about").textContent = [film.subject && film.subject !== film.image ? film.subject : "",
      film.group, known, read, film.model && `predicted by ${film.model}`,
      film.labelled_by && `labels of ${film.labelled_by}`].filter(Boolean).join("  ·  ");
    const warnings = byId("warnings");
    warnings.hidden = film.set_aside.length === 0;
    warnings.replaceChildren(element("p", {},
      `Look twice at what the model says here: ${titled(film.set_aside.join("; "), this.desk.titles)}.`));
    for (const id of ["unsure", "all-ellipses"]) byId(id).hidden = film.predictions.length === 0;
    byId("no-measurements").hidden = protocol.quantities.length > 0;
  }

  watchDesk() {
    const { desk } = this;
    desk.addEventListener("say", ({ detail }) => this.speaker.say(detail));
    desk.addEventListener("unreadable", ({ detail }) => this.showTrouble(detail));
    desk.addEventListener("view", ({ detail }) => {
      this.canvas.look(desk.view, detail);
      this.tools?.showZoom();
      this.drawPoints();
    });
    desk.addEventListener("marks", () => this.ask());
    desk.addEventListener("choice", () => {
      this.list.reveal();
      this.ask();
    });
    desk.addEventListener("order", () => this.list.arrange());
    desk.addEventListener("quantity", () => {
      this.panel.choose();
      this.ask();
    });
  }

  /** Everything that follows the marks, once for each frame of the screen. */
  ask() {
    if (this.askedFor) return;
    this.askedFor = requestAnimationFrame(() => {
      this.askedFor = 0;
      this.showMarks();
    });
  }

  showMarks() {
    if (this.framedFor !== this.desk.frame) this.framed();
    this.panel.show();
    this.drawPoints();
    this.list.show();
    const { undo, redo } = this.desk.reading.stacks;
    byId("undo").disabled = undo.length === 0 || !this.desk.reading.editable;
    byId("redo").disabled = redo.length === 0 || !this.desk.reading.editable;
    const waits = this.desk.chosen && this.desk.reading.editable && this.desk.mark()?.x == null;
    this.stage.classList.toggle("placing", Boolean(waits));
    this.stage.classList.toggle("dragging", this.desk.dragged !== "");
  }

  drawPoints() {
    const { desk, layer } = this;
    const quantity = desk.protocol.quantities.find(({ name }) => name === desk.quantity);
    const shapes = drawnShapes(desk, (name) => this.panel.said(name));
    layer.highlighted = new Set(quantity?.needs ?? []);
    layer.draw({ marks: desk.marks, view: desk.view, chosen: desk.chosen, dragged: desk.dragged,
      texts: shapes.filter(({ kind }) => kind === "text") });
    showDrawing(layer.drawings, shapes, desk.view, layer.textPlaces);
  }

  showEllipses(shown) {
    byId("points").classList.toggle("no-ellipses", !shown);
    byId("all-ellipses").setAttribute("aria-pressed", shown);
  }

  /** What the model said of the frame that is shown. */
  framed() {
    const { desk } = this;
    this.framedFor = desk.frame;
    const here = desk.film.predictions.filter(({ frame }) => frame === desk.frame);
    this.layer.predict(new Map(here.map((each) => [each.landmark, each])));
  }

  showFilm(planes) {
    this.canvas.show(planes);
    byId("loading").classList.remove("bad");
    this.tools.know(planes);
    byId("loading").hidden = true;
    if (!this.waitsForNext) this.waitsForNext = setTimeout(() => this.readAhead(), READ_AHEAD_MS);
  }

  /** A frame that cannot be shown: why, in the film's place. */
  showTrouble(words) {
    const loading = byId("loading");
    loading.hidden = false;
    loading.classList.add("bad");
    loading.textContent = words;
  }

  /** The next case of the list opens at once: its film is read while this one is looked at. */
  async readAhead() {
    try {
      const id = await neighbour(this.desk.film, 1);
      if (id) await api.bytes(`/api/cases/${encodeURIComponent(id)}/pixels?frame=0`);
    } catch {
      // It is asked for again when it is opened, and fails in words there.
    }
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (width === 0 || height === 0) return;
    this.canvas.resize(width, height, window.devicePixelRatio);
    this.desk.resize({ width, height });
  }
}
