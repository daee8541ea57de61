/** The page of one case: fetches it, and joins the parts that show it. */
import { api } from "../api.js";
import { element } from "../element.js";
import { Clip } from "./clip.js";
import { Desk } from "./desk.js";
import * as early from "./early.js";
import { Film } from "./film.js";
import { Frames } from "./frames.js";
import { Page } from "./page.js";
import { Reading } from "./reading.js";
import { Saver } from "./saver.js";
import { Tools } from "./tools.js";

const byId = (id) => document.getElementById(id);

function addresses(film, name) {
  return {
    reading: `${early.path}/readings/${encodeURIComponent(name)}`,
    report: `/case/${encodeURIComponent(film.id)}/report?reading=${encodeURIComponent(name)}`,
    pixels: (frame) => `${early.path}/pixels?frame=${frame}`,
  };
}

async function open() {
  const [session, film] = await Promise.all([early.session, early.film]);
  const name = new URLSearchParams(location.search).get("reading") || film.own;
  const urls = addresses(film, name);
  const project = `/api/projects/${encodeURIComponent(film.project)}`;
  const canvas = new Film(byId("film"), film);
  const first = { bytes: early.firstFrame };
  const frames = new Frames(film, (frame) => firstOr(first, frame, urls));
  frames.get(0).catch(() => {}); // made ready meanwhile; told where it is shown
  const [protocol, message] = await Promise.all([
    api.get(`${project}/protocol`),
    api.get(`${urls.reading}?events=50`),
  ]);
  const reading = new Reading(message, session.name);
  const desk = new Desk({ film, protocol, reading });
  const post = (event) => api.post(`${urls.reading}/events`, event);
  const saver = new Saver(reading, post, sessionStorage, `palpate-${film.id}-${name}-${session.name}`);
  const page = new Page({ desk, saver, canvas, urls });
  page.tools = new Tools(toolParts(), desk, canvas);
  const clip = new Clip(
    { bar: byId("clip"), slider: byId("frame"), text: byId("frame-text"), marked: byId("marked"),
      copy: byId("copy") }, desk, frames,
    (planes) => page.showFilm(planes),
  );
  page.start();
  if (saver.recover() > 0) desk.say("What was not saved when the page was left is saved now.");
  await clip.go(0);
}

/** The first frame was asked for before anything else; a later try asks again. */
function firstOr(first, frame, urls) {
  const { bytes } = first;
  if (frame !== 0 || !bytes) return api.bytes(urls.pixels(frame));
  first.bytes = null;
  return bytes;
}

function toolParts() {
  const ids = ["preset", "level", "width", "invert", "fit", "larger", "smaller", "zoom"];
  const parts = Object.fromEntries(ids.map((id) => [id, byId(id)]));
  return { ...parts, windowText: byId("window-text") };
}

open().catch((refusal) => {
  const words = refusal.sentence ?? `The case cannot be shown: ${refusal.message}`;
  const loading = byId("loading");
  loading.hidden = false;
  loading.classList.add("bad");
  loading.setAttribute("role", "alert");
  loading.replaceChildren(words, " ", element("a", { href: "/" }, "Back to the cases"));
  if (refusal.sentence === undefined) throw refusal;
});
