/** Who may sign in: for the administrator. */
import { api } from "./api.js";
import { dialogForm } from "./dialog-form.js";
import { element } from "./element.js";
import { may, topBar } from "./top-bar.js";

const ROLES = [["reader", "reader"], ["reviewer", "reviewer"],
  ["administrator", "administrator"]];
const byId = (id) => document.getElementById(id);
const PASSWORD = { type: "password", autocomplete: "new-password", required: true, minlength: 10,
  maxlength: 1000, hint: "At least 10 characters; a few words make a good one." };

let session = null;

function showTrouble(refusal) {
  byId("trouble").textContent = refusal ? refusal.sentence || String(refusal) : "";
}

async function load() {
  try {
    const accounts = await api.get("/api/accounts");
    byId("accounts").hidden = false;
    byId("rows").replaceChildren(...accounts.map(rowElement));
    showTrouble(null);
  } catch (refusal) {
    showTrouble(refusal);
  }
}

function rowElement(account) {
  const { name, title, role, active } = account;
  const own = name === session.name;
  const button = (words, act) => element("button", { type: "button", onclick: act,
    "aria-label": `${words}: ${name}` }, words);
  return element("tr", { "data-account": name, class: active ? null : "closed" },
    element("th", { scope: "row" }, name),
    element("td", {}, title),
    element("td", {}, role),
    element("td", {}, active ? "may sign in" : "closed"),
    element("td", {}, element("div", { class: "change" },
      button("Change", () => change(account)),
      button("New password", () => newPassword(account)),
      own ? null : button(active ? "Close" : "Open again", () => toggle(account)))));
}

async function patch(name, changes, words) {
  await api.patch(`/api/accounts/${name}`, changes);
  byId("said").textContent = words;
  await load();
}

function change({ name, title, role }) {
  return dialogForm({ title: `Change ${name}`, go: "Save", fields: [
    { id: "title", label: "Name under a report", value: title, required: true, maxlength: 200 },
    { id: "role", label: "Role", value: role, options: ROLES },
  ] }, (values) => patch(name, values, `${name} was changed`));
}

function newPassword({ name }) {
  return dialogForm({ title: `New password for ${name}`, go: "Set password",
    fields: [{ id: "password", label: "New password", ...PASSWORD }] },
  (values) => patch(name, values, `${name} has a new password`));
}

function toggle({ name, active }) {
  const about = active
    ? `${name} will be signed out and can no longer sign in. What they did is kept.`
    : `${name} will be able to sign in again with the password that they had.`;
  return dialogForm({ title: active ? `Close ${name}` : `Open ${name} again`, about,
    go: active ? "Close the account" : "Open the account", fields: [] },
  () => patch(name, { active: !active }, `${name} was ${active ? "closed" : "opened"}`));
}

function add() {
  return dialogForm({ title: "Add an account", go: "Add", fields: [
    { id: "name", label: "Signs in as", required: true, maxlength: 64, autocomplete: "off",
      autocapitalize: "none", spellcheck: "false", pattern: "[a-z0-9][a-z0-9.\\-]{0,63}",
      hint: "Lower-case letters, digits, hyphens and full stops" },
    { id: "title", label: "Name under a report", required: true, maxlength: 200,
      autocomplete: "off" },
    { id: "role", label: "Role", value: "reader", options: ROLES },
    { id: "password", label: "First password", ...PASSWORD },
  ] }, async (values) => {
    await api.post("/api/accounts", values);
    byId("said").textContent = `${values.name} was added`;
    await load();
  });
}

async function start() {
  try {
    session = await api.whoami();
  } catch (refusal) {
    showTrouble(refusal);
    return;
  }
  topBar(byId("top-bar"), session, "Accounts");
  if (!may(session, "administrator")) {
    byId("trouble").textContent = "Accounts are kept by an administrator; you are signed in as "
      + `a ${session.role}.`;
    return;
  }
  byId("add").hidden = false;
  byId("add").addEventListener("click", add);
  await load();
}

await start();
