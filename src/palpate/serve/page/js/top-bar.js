import { api } from "./api.js";
import { element } from "./element.js";

const PLACES = [
  { name: "Cases", href: "/", least: "reader" },
  { name: "Accounts", href: "/accounts", least: "administrator" },
  { name: "Help", href: "/help", least: "reader" },
];
const RANK = { reader: 0, reviewer: 1, administrator: 2 };

/** Whether someone's role is enough. */
export function may(session, least) {
  return RANK[session.role] >= RANK[least];
}

async function leave() {
  try {
    await api.signOut();
  } finally {
    api.goToSignIn({ back: false });
  }
}

/**
 * Fills the bar at the top: where one can go, who is signed in, and the way out.
 *
 * @param {HTMLElement} header
 * @param {{name: string, title: string, role: string}} session
 * @param {string} current - name of the place that this page is; empty for none.
 */
export function topBar(header, session, current = "") {
  const places = PLACES.filter((place) => may(session, place.least));
  header.replaceChildren(
    element("a", { class: "brand", href: "/" },
      element("img", { src: new URL("../favicon.svg", import.meta.url).href, alt: "" }), "palpate"),
    element("nav", { "aria-label": "Places" },
      places.map(({ name, href }) =>
        element("a", { href, "aria-current": name === current ? "page" : null }, name))),
    element("div", { class: "who" },
      element("span", {}, `${session.title}, ${session.role}`),
      element("button", { type: "button", class: "quiet", onclick: leave }, "Sign out")),
  );
}
