/** The parts of the case's page, kept in step with the desk. */
import { api } from "../api.js";
import { element } from "../element.js";
import { askAboutConflict } from "./conflict.js";
import { showDrawing } from "./drawings.js";
import { Gestures } from "./gestures.js";
import { showKeys } from "./help.js";
import { showHistory } from "./history.js";
import { keys, listen } from "./keys.js";
import { LandmarkList } from "./list.js";
import { Loupe } from "./loupe.js";
import { neighbour } from "./neighbour.js";
import { Panel } from "./panel.js";
import { Placing } from "./placing.js";
import { PointLayer } from "./points.js";
import { askAboutRefusal } from "./refused.js";
import { reopen, showSignature, sign } from "./sign.js";
import { Speaker, showStatus } from "./status.js";

// A reader who only passes through does not wait for the film after the next.
const READ_AHEAD_MS = 1500;

const byId = (id) => document.getElementById(id);

export class Page {
  constructor({ desk, saver, canvas, urls }) {
    Object.assign(this, { desk, saver, canvas, urls });
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
    this.cursor = null;
  }

  start() {
    this.head();
    this.watchDesk();
    this.watchSaver();
    this.watchHands();
    new ResizeObserver(() => this.resized()).observe(this.stage);
    this.resized();
    this.framed();
    this.showReading();
    this.askedFor = 0;
  }

  head() {
    const { film, protocol } = this.desk;
    document.title = `${film.image} - palpate`;
    byId("case-name").textContent = film.image;
    const known = film.spacing_mm ? "" : "not calibrated: no millimetres";
    const read = this.desk.reading.name === "shared" ? "" : `reading of ${this.desk.reading.name}`;
    byId("case-about").textContent = [film.subject && film.subject !== film.image ? film.subject : "",
      film.group, film.model && `predicted by ${film.model}`, read, known].filter(Boolean).join("  ·  ");
    const warnings = byId("warnings");
    warnings.hidden = film.set_aside.length === 0;
    warnings.replaceChildren(element("p", {},
      `Look twice at what the model says here: ${film.set_aside.join("; ")}.`));
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
    layer.highlighted = new Set(quantity?.needs ?? []);
    layer.draw({ marks: desk.marks, view: desk.view, chosen: desk.chosen, dragged: desk.dragged });
    showDrawing(layer.drawings, desk, (name) => this.panel.said(name));
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

  // --- saving ----------------------------------------------------------------------------------

  watchSaver() {
    const { saver } = this;
    api.whenSignedOut(() => this.signedOut());
    saver.addEventListener("state", () => this.saverTurned());
    addEventListener("beforeunload", (event) => {
      this.desk.finish();
      if (saver.unsaved > 0) event.preventDefault();
    });
    showStatus(byId("save"), saver);
  }

  saverTurned() {
    const { saver, desk } = this;
    showStatus(byId("save"), saver);
    if (saver.state === "conflict") askAboutConflict(desk, saver);
    if (saver.state === "refused") askAboutRefusal(saver, () => this.fetchReading());
    if (saver.state === "saved") this.showReading();
  }

  showReading() {
    const { desk } = this;
    showHistory(byId("events"), desk);
    byId("measured").textContent = this.panel.told();
    showSignature(byId("signed"), desk.reading.signature, {
      report: this.urls.report,
      onReopen: () => this.reopen(),
    });
    byId("sign").hidden = !desk.reading.editable;
    byId("guided").disabled = !desk.reading.editable;
    this.ask();
  }

  signedOut() {
    if (this.saver.unsaved === 0) return api.goToSignIn();
    return this.desk.say("You are signed out. What is not saved is kept here: sign in in another tab.");
  }

  fetchReading() {
    return api.get(`${this.urls.reading}?events=50`);
  }

  async refresh() {
    this.desk.reading.take(await this.fetchReading());
    this.showReading();
  }

  async sign() {
    if (!this.desk.may()) return;
    this.desk.finish();
    if (this.saver.unsaved > 0)
      return this.desk.say("What is not saved yet cannot be signed: wait until it is.");
    if (await sign(this.desk, this.urls.reading)) await this.refresh();
  }

  async reopen() {
    if (await reopen(this.desk, this.urls.reading)) await this.refresh();
  }

  // --- hands -----------------------------------------------------------------------------------

  watchHands() {
    const { desk } = this;
    const gestures = new Gestures(this.stage, desk, {
      points: this.layer,
      window: (dx, dy) => this.tools.change(dx, dy),
      hover: (place) => this.hover(place),
    });
    const table = keys(desk, this.actions());
    listen(table);
    addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.closest("button, input, select, a, summary")) return;
      gestures.spaceHeld = true;
      event.preventDefault();
    });
    addEventListener("keyup", (event) => {
      if (event.key === " ") gestures.spaceHeld = false;
    });
    const click = (id, run) => byId(id).addEventListener("click", run);
    click("undo", () => desk.undo());
    click("redo", () => desk.undo(true));
    click("sign", () => this.sign());
    click("help", () => showKeys(table));
    click("magnifier", () => this.toggleLoupe());
    click("all-names", () => this.toggleNames());
    click("all-ellipses", () => this.toggleEllipses());
    click("before", () => this.go(-1));
    click("after", () => this.go(1));
    this.table = table;
  }

  actions() {
    return {
      window: (dx, dy) => this.tools.change(dx, dy),
      recorded: () => this.tools.preset("recorded"),
      invert: () => this.tools.invert(),
      loupe: () => this.toggleLoupe(),
      names: () => this.toggleNames(),
      ellipses: () => this.toggleEllipses(),
      guide: () => this.placing.toggle(),
      sign: () => this.sign(),
      help: () => showKeys(this.table),
      neighbour: (by) => this.go(by),
      focusPoint: () => this.focusPoint(),
    };
  }

  focusPoint() {
    const mark = this.desk.mark();
    this.drawPoints();
    if (mark && mark.x !== null) this.layer.focus(this.desk.chosen);
    else this.stage.focus({ preventScroll: true });
  }

  hover(place) {
    this.cursor = place;
    const name = place?.name ?? "";
    this.stage.classList.toggle("over-point", name !== "");
    this.loupe.show(place, this.desk.view, this.desk.stage);
    if (name === this.layer.hovered) return;
    this.layer.hovered = name;
    this.ask();
  }

  toggleLoupe() {
    byId("magnifier").setAttribute("aria-pressed", this.loupe.toggle());
    this.loupe.show(this.cursor, this.desk.view, this.desk.stage);
  }

  toggleNames() {
    this.layer.named = !this.layer.named;
    byId("all-names").setAttribute("aria-pressed", this.layer.named);
    this.drawPoints();
  }

  toggleEllipses() {
    const hidden = byId("points").classList.toggle("no-ellipses");
    byId("all-ellipses").setAttribute("aria-pressed", !hidden);
  }

  async go(by) {
    this.desk.finish();
    try {
      const id = await neighbour(this.desk.film, by);
      if (id) location.assign(`/case/${encodeURIComponent(id)}`);
      else this.desk.say(by > 0 ? "This is the last case of the list." : "This is the first case of the list.");
    } catch (refusal) {
      this.desk.say(refusal.sentence ?? String(refusal));
    }
  }
}
