import { element } from "./element.js";

/**
 * A dialog with fields, that stays open with the reason while what it sends is refused.
 *
 * @param {{title: string, about?: string, go: string, fields: object[]}} words - of a field:
 *   {id, label, hint?, value?, options?: [value, label][], rows?, ...attributes of the input}.
 *   With `rows` it is a text of several lines; Enter sends it, Shift Enter begins a line.
 * @param {(values: Object<string, string>) => Promise<void>} send
 * @returns {Promise<boolean>} whether it was sent.
 */
export function dialogForm({ title, about = "", go, fields }, send) {
  const trouble = element("p", { class: "notice bad", role: "alert" });
  const button = element("button", { class: "go" }, go);
  const form = element("form", {},
    element("h2", { id: "dialog-title" }, title),
    about ? element("p", { class: "soft" }, about) : null,
    fields.map(fieldElement), trouble,
    element("div", { class: "actions" },
      element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), button));
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, form);
  let sent = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    trouble.textContent = "";
    try {
      await send(Object.fromEntries(new FormData(form)));
      sent = true;
      dialog.close();
    } catch (refusal) {
      trouble.textContent = refusal.sentence || String(refusal);
    } finally {
      button.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(sent);
    });
  });
}

function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
}

function fieldElement({ id, label, hint = "", value = "", options = null, rows = 0, ...attributes }) {
  const hinted = hint ? { "aria-describedby": `${id}-hint` } : {};
  const control = options
    ? element("select", { id, name: id, ...hinted }, options.map(([each, words]) =>
      element("option", { value: each, selected: each === value }, words)))
    : rows ? element("textarea", { id, name: id, rows, onkeydown: sendOnEnter, ...hinted, ...attributes },
      value)
      : element("input", { id, name: id, value, ...hinted, ...attributes });
  return element("div", { class: "field" }, element("label", { for: id }, label), control,
    hint ? element("span", { class: "hint", id: `${id}-hint` }, hint) : null);
}
