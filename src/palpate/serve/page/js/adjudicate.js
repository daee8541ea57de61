/** All readings of a case over one another: the reviewer settles what counts. */
import { api } from "./api.js";
import { element } from "./element.js";
import { Bench } from "./adjudicate/bench.js";
import { Card } from "./adjudicate/card.js";
import { gate, showGate } from "./adjudicate/gate.js";
import { keyRows } from "./adjudicate/keys.js";
import { LandmarkTable } from "./adjudicate/landmarks.js";
import { Settlement } from "./adjudicate/settlement.js";
import { shapeSign } from "./adjudicate/shapes.js";
import { Stage } from "./adjudicate/stage.js";
import { ValueTable } from "./adjudicate/values.js";
import { may, topBar } from "./top-bar.js";
import { askAboutConflict } from "./viewer/conflict.js";
import { Desk } from "./viewer/desk.js";
import { listen } from "./viewer/keys.js";
import { askAboutRefusal } from "./viewer/refused.js";
import { Saver } from "./viewer/saver.js";
import { reopen, showSignature, sign } from "./viewer/sign.js";
import { Speaker, showStatus } from "./viewer/status.js";

const byId = (id) => document.getElementById(id);
const caseId = location.pathname.split("/")[2];
const path = `/api/cases/${caseId}/readings/shared`;
const fetchShared = () => api.get(`${path}?events=1000`);

// Events of one press may be many; the server takes so many marks at once.
const AT_ONCE = 2000;

function showTrouble(refusal) {
  byId("trouble").textContent = refusal.sentence ?? String(refusal);
}

async function fetchReadings(names) {
  const paths = names.filter((name) => name !== "shared")
    .map((name) => api.get(`/api/cases/${caseId}/readings/${name}?events=0`));
  return (await Promise.all(paths)).filter(({ state }) => state !== "new");
}

async function start() {
  const session = await api.whoami();
  topBar(byId("top-bar"), session);
  if (!may(session, "reviewer")) {
    showTrouble({ sentence: "Readings are compared by a reviewer; you are signed in as a "
      + `${session.role}.` });
    return;
  }
  const film = await api.get(`/api/cases/${caseId}`);
  byId("case-name").textContent = film.image;
  document.title = `Compare readings of ${film.image} - palpate`;
  const readings = await fetchReadings(film.readings);
  const { ready, why } = gate(readings, session.name);
  if (why) {
    showGate(byId("gate"), { why, readings, caseId });
    return;
  }
  byId("case-about").textContent = `${ready.length} readings`
    + (film.spacing_mm ? "" : ", not calibrated: distances in px");
  const [protocol, message] = await Promise.all([
    api.get(`/api/projects/${film.project}/protocol`), fetchShared()]);
  await open({ film, protocol, ready, reading: new Settlement(message, session.name) });
}

async function open({ film, protocol, ready, reading }) {
  const desk = new Desk({ film, protocol, reading });
  const bench = new Bench(desk, ready);
  const saver = new Saver(reading, (event) => api.post(`${path}/events`, event), sessionStorage,
    `palpate-unsaved-${caseId}-shared`);
  byId("bench").hidden = false;
  const parts = {
    stage: new Stage({ stage: byId("stage"), film: byId("film"), readers: byId("readers"),
      points: byId("points") }, bench),
    card: new Card(byId("card"), bench),
    table: new LandmarkTable(byId("landmarks"), bench),
    values: new ValueTable(byId("values"), bench),
  };
  byId("values-section").hidden = protocol.quantities.length === 0;
  showLegend(bench);
  listenToDesk(desk, bench, parts);
  listenToSaver(saver, desk);
  listenToButtons(desk, bench, parts);
  setUpFrames(desk, bench);
  saver.recover();
  await goTo(desk, bench, parts, bench.frames[0] ?? 0);
}

function showLegend(bench) {
  byId("legend").replaceChildren(
    ...bench.readers.map((reader, row) => element("li", {}, shapeSign(row), reader)),
    element("li", {}, element("span", { class: "agreed-sign", "aria-hidden": "true" }), "agreed"));
}

function showAll(bench, { stage, card, table, values }) {
  bench.refresh();
  stage.draw();
  card.show();
  table.show();
  values.show();
  const { reading } = bench;
  const open = bench.open.length;
  byId("open-count").textContent = open ? `${open} open` : "All agreed";
  byId("undo").disabled = !reading.editable || !reading.stacks.undo.length;
  byId("redo").disabled = !reading.editable || !reading.stacks.redo.length;
  byId("sign").disabled = !reading.editable || open > 0;
  byId("sign").title = open ? `${open} landmarks are not settled yet` : "";
  byId("alike-go").disabled = !reading.editable;
  showSignature(byId("signature"), reading.signature, {
    report: `/case/${caseId}/report?reading=shared`,
    onReopen: () => reopen(bench.desk, path).then(async (done) => {
      if (done) reading.take(await fetchShared());
    }) });
}

function listenToDesk(desk, bench, parts) {
  const speaker = new Speaker(byId("speaker"));
  let due = 0;
  // Once for a frame of the screen, however many pixels the hand went.
  const show = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      showAll(bench, parts);
    });
  };
  desk.addEventListener("marks", show);
  desk.addEventListener("choice", () => {
    parts.stage.approach();
    parts.table.reveal();
    show();
  });
  desk.addEventListener("view", (event) => parts.stage.look(event.detail));
  desk.addEventListener("frame", ({ detail }) => goTo(desk, bench, parts, detail.frame));
  desk.addEventListener("say", ({ detail }) => speaker.say(detail));
  desk.addEventListener("settled", () => {
    bench.refresh();
    desk.choose(parts.table.nextOpen() || desk.chosen);
  });
}

async function goTo(desk, bench, parts, frame) {
  desk.frame = frame;
  byId("frame").value = bench.frames.indexOf(frame);
  byId("frame-number").textContent = `${frame + 1} of ${desk.film.frames}`;
  bench.refresh();
  parts.table.sort();
  showAll(bench, parts);
  try {
    await parts.stage.show(frame);
  } catch (refusal) {
    showTrouble(refusal);
  }
}

function setUpFrames(desk, bench) {
  byId("frame-choice").hidden = desk.film.frames === 1;
  byId("frame").max = Math.max(0, bench.frames.length - 1);
  byId("frame").addEventListener("input", (event) => desk.goTo(bench.frames[event.target.value]));
}

function listenToSaver(saver, desk) {
  const show = () => showStatus(byId("saving"), saver);
  saver.addEventListener("state", () => {
    show();
    if (saver.state === "conflict") askAboutConflict(desk, saver);
    if (saver.state === "refused") askAboutRefusal(saver, fetchShared);
  });
  addEventListener("beforeunload", (event) => saver.unsaved && event.preventDefault());
  api.whenSignedOut(() => showTrouble({ sentence: "Your session is over. What is not saved stays "
    + "here: sign in in another tab, and it is saved." }));
  show();
}

function listenToButtons(desk, bench, parts) {
  const { reading } = desk;
  const toSign = async () => {
    if (byId("sign").disabled || !reading.settled) return;
    if (await sign(desk, path)) reading.take(await fetchShared());
  };
  const invert = () => byId("invert").setAttribute("aria-pressed", parts.stage.invert());
  byId("sign").addEventListener("click", toSign);
  byId("undo").addEventListener("click", () => desk.undo());
  byId("redo").addEventListener("click", () => desk.undo(true));
  byId("fit").addEventListener("click", () => desk.fit());
  byId("invert").addEventListener("click", invert);
  byId("near").addEventListener("click", () => {
    parts.stage.near = !parts.stage.near;
    byId("near").setAttribute("aria-pressed", parts.stage.near);
    parts.stage.approach();
  });
  byId("alike-form").addEventListener("submit", (event) => {
    event.preventDefault();
    settleAlike(bench, byId("alike").valueAsNumber);
  });
  listen(keyRows(bench, { table: parts.table, invert, sign: toSign }));
}

function settleAlike(bench, px) {
  const marks = bench.alike(px);
  for (let i = 0; i < marks.length; i += AT_ONCE)
    bench.reading.settle(marks.slice(i, i + AT_ONCE), `mean of readers within ${px} px`);
  bench.desk.say(`${marks.length} landmarks were settled by their mean.`);
}

start().catch(showTrouble);
