/** Signing, which freezes the report, and taking a signature back with a reason. */
import { api } from "../api.js";
import { dialogForm } from "../dialog-form.js";
import { element } from "../element.js";
import { fullMoment } from "../moment.js";

const STATEMENT = "I have checked every landmark and measurement of this case.";
const PASSWORD = { id: "password", label: "Your password", type: "password", required: true,
  autocomplete: "current-password", autofocus: true };

/**
 * Asks for the statement, and for the password where the server wants it again.
 *
 * @param {import("./desk.js").Desk} desk
 * @param {string} path - of the reading
 * @returns {Promise<boolean>} whether it is signed now
 */
export async function sign(desk, path) {
  const asked = { statement: STATEMENT, password: false };
  const send = async ({ statement, password }) => {
    asked.statement = statement;
    try {
      await api.post(`${path}/signature`,
        { after: desk.reading.step, statement, ...(password ? { password } : {}) });
    } catch (refusal) {
      if (refusal.code !== "password" || asked.password) throw refusal;
      asked.password = true;
    }
  };
  const sent = await dialogForm(words(desk, asked.statement), send);
  if (!sent || !asked.password) return sent;
  const again = words(desk, asked.statement);
  return dialogForm({ ...again, fields: [...again.fields, PASSWORD] }, send);
}

function words(desk, statement) {
  return {
    title: "Sign this reading",
    about: `${stateOf(desk)} Signing freezes the report as it is. It can be reopened later, with a reason.`,
    go: "Sign",
    fields: [{ id: "statement", label: "Statement", value: statement, required: true, maxlength: 500,
      rows: 2 }],
  };
}

/** What is signed, in a sentence: whose marks they are, and how many are not there. */
function stateOf(desk) {
  const marks = [...desk.reading.shown()];
  const mine = marks.filter(({ origin }) => origin === "person").length;
  const models = marks.length - mine;
  const some = (count) => `${count} ${count === 1 ? "mark" : "marks"}`;
  const whose = [mine && `${some(mine)} set by readers`, models && `${some(models)} as the model put them`];
  const missing = desk.film.frames < 2 ? desk.missing.length : 0;
  const placed = `${whose.filter(Boolean).join(", ") || "Nothing is marked"}.`;
  if (missing === 0) return placed;
  return `${placed} ${missing} ${missing === 1 ? "landmark is" : "landmarks are"} not placed.`;
}

/** @returns {Promise<boolean>} whether it is open again */
export function reopen(desk, path) {
  return dialogForm({
    title: "Reopen this reading",
    about: "The signed report is kept and stays readable.",
    go: "Reopen",
    fields: [{ id: "reason", label: "Reason", required: true, minlength: 3, maxlength: 2000 }],
  }, async ({ reason }) => {
    await api.delete(`${path}/signature`, { after: desk.reading.step, reason });
  });
}

/** The banner of a signed reading: who, when, the report, and the way back. */
export function showSignature(banner, signature, { report, onReopen }) {
  banner.hidden = !signature;
  if (!signature) return;
  banner.replaceChildren(
    element("span", { class: "state signed" }, `Signed by ${signature.name}`),
    element("span", { class: "soft" }, fullMoment(signature.when)),
    element("span", { class: "statement", title: signature.statement }, `“${signature.statement}”`),
    element("a", { href: report }, "Signed report"),
    element("button", { type: "button", class: "quiet", onclick: onReopen }, "Reopen…"));
}
