/** The page of one case: fetches it, and joins the parts that show it. */
import { api } from "../api.js";
import { element } from "../element.js";
import { Clip } from "./clip.js";
import { Desk } from "./desk.js";
import { Film } from "./film.js";
import { Frames } from "./frames.js";
import { Page } from "./page.js";
import { Reading } from "./reading.js";
import { Saver } from "./saver.js";
import { Tools } from "./tools.js";

const byId = (id) => document.getElementById(id);

function addresses(film, name) {
  const path = `/api/cases/${encodeURIComponent(film.id)}`;
  return {
    case: path,
    reading: `${path}/readings/${encodeURIComponent(name)}`,
    report: `/case/${encodeURIComponent(film.id)}/report?reading=${encodeURIComponent(name)}`,
    pixels: (frame) => `${path}/pixels?frame=${frame}`,
  };
}

async function open() {
  const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
  const path = `/api/cases/${encodeURIComponent(id)}`;
  // The first frame is on its way while the rest is asked for.
  const pixels = api.bytes(`${path}/pixels?frame=0`);
  pixels.catch(() => {}); // told where the frame is shown
  const [session, film] = await Promise.all([api.whoami(), api.get(path)]);
  const name = new URLSearchParams(location.search).get("reading") || film.own;
  const urls = addresses(film, name);
  const project = `/api/projects/${encodeURIComponent(film.project)}`;
  const [protocol, message] = await Promise.all([
    api.get(`${project}/protocol`),
    api.get(`${urls.reading}?events=50`),
  ]);
  const reading = new Reading(message, session.name);
  const desk = new Desk({ film, protocol, reading });
  const post = (event) => api.post(`${urls.reading}/events`, event);
  const saver = new Saver(reading, post, sessionStorage, `palpate-${id}-${name}-${session.name}`);
  const canvas = new Film(byId("film"), film);
  const page = new Page({ desk, saver, canvas, urls });
  page.tools = new Tools(toolParts(), desk, canvas);
  const first = { bytes: pixels };
  const frames = new Frames(film, (frame) => firstOr(first, frame, urls));
  const clip = new Clip(
    { bar: byId("clip"), slider: byId("frame"), text: byId("frame-text") }, desk, frames,
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
