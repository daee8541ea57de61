/** Signing, which freezes the report, and taking a signature back with a reason. */
import { api } from "../api.js";
import { dialogForm } from "../dialog-form.js";
import { element } from "../element.js";
import { fullMoment } from "../moment.js";

const STATEMENT = "I have checked every landmark and measurement of this case.";

/**
 * @param {import("./desk.js").Desk} desk
 * @param {string} path - of the reading
 * @param {{askPassword: boolean}} how
 * @returns {Promise<boolean>} whether it is signed now
 */
export async function sign(desk, path, { askPassword }) {
  const about = desk.missing.length > 0
    ? `${desk.missing.length} landmarks are not placed. Signing freezes the report as it is.`
    : "Signing freezes the report as it is. It can be reopened later, with a reason.";
  const fields = [{ id: "statement", label: "Statement", value: STATEMENT, required: true,
    maxlength: 500 }];
  if (askPassword)
    fields.push({ id: "password", label: "Your password", type: "password", required: true,
      autocomplete: "current-password" });
  return dialogForm({ title: "Sign this reading", about, go: "Sign", fields },
    async ({ statement, password }) => {
      await api.post(`${path}/signature`, {
        after: desk.reading.step,
        statement,
        ...(password ? { password } : {}),
      });
    });
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
    element("span", { class: "statement" }, `“${signature.statement}”`),
    element("a", { href: report }, "Signed report"),
    element("button", { type: "button", class: "quiet", onclick: onReopen }, "Reopen…"));
}
