/** The list of keys, made from the table that listens to them. */
import { element } from "../element.js";

/** @param {import("./keys.js").Key[]} table */
export function showKeys(table) {
  const groups = Map.groupBy(table.filter(({ shown }) => shown), ({ group }) => group);
  const dialog = element("dialog", { class: "keys", "aria-labelledby": "keys-title" },
    element("h2", { id: "keys-title" }, "Keys"),
    element("div", { class: "columns" }, [...groups].map(([group, rows]) =>
      element("section", {}, element("h3", {}, group),
        element("dl", {}, rows.flatMap(({ shown, does }) => [
          element("dt", {}, shown.split("  ").flatMap((each) => [element("kbd", {}, each), " "])),
          element("dd", {}, does)]))))),
    element("form", { method: "dialog", class: "actions" },
      element("button", { class: "go" }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
