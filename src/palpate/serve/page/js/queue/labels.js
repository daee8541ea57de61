import { api } from "../api.js";
import { element } from "../element.js";

/**
 * The dialog that downloads what readers have set, as landmarks.csv.
 *
 * @param {{id: string, blinded: boolean}} project
 * @param {string[]} readers - accounts that are known to have a reading of their own.
 */
export function openLabels(project, readers) {
  const names = project.blinded ? ["shared", ...readers] : ["shared"];
  const words = (name) => {
    if (name !== "shared") return `those of ${name}`;
    return project.blinded ? "those that were agreed on" : "those that all readers share";
  };
  const choice = element("select", { id: "reading" },
    names.map((name) => element("option", { value: name }, words(name))));
  const trouble = element("p", { class: "notice bad", role: "alert" });
  const dialog = element("dialog", { "aria-labelledby": "labels-title" },
    element("h2", { id: "labels-title" }, "Download labels"),
    element("p", { class: "soft" },
      "A table with one row for each landmark of each film, to train on or to compare."),
    element("div", { class: "field" }, element("label", { for: "reading" }, "Marks"), choice),
    trouble,
    element("div", { class: "actions" },
      element("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      element("button", { type: "button", class: "go",
        onclick: () => download(project.id, choice.value, trouble) }, "Download")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function download(project, reading, trouble) {
  trouble.textContent = "";
  try {
    const bytes = await api.bytes(`/api/projects/${project}/labels?reading=${reading}`);
    const address = URL.createObjectURL(new Blob([bytes], { type: "text/csv" }));
    element("a", { href: address, download: "landmarks.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (refusal) {
    trouble.textContent = refusal.sentence || String(refusal);
  }
}
