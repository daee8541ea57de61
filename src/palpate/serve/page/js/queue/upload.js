import { api } from "../api.js";
import { element } from "../element.js";

const KINDS = ".png,.jpg,.jpeg,.tif,.tiff,.bmp,.dcm,.zip";

/**
 * The dialog that adds films. They are sent one after the other, so that each has its own
 * outcome and one that is refused does not hold up the rest.
 *
 * @param {string} project
 * @param {() => void} added - called when a film has been added.
 */
export function openUpload(project, added) {
  const outcomes = element("ol", { class: "outcomes" });
  const said = element("p", { role: "status", class: "soft" });
  const input = element("input", { type: "file", multiple: true, accept: KINDS, id: "films" });
  const drop = element("div", { class: "drop" },
    element("p", {}, "Drop films here, or choose them:"),
    element("label", { for: "films", class: "visually-hidden" }, "Films"), input,
    element("p", { class: "soft small" }, "DICOM, PNG, JPEG, TIFF or BMP, also as a zip file"));
  const close = element("button", { type: "button", class: "go" }, "Close");
  const dialog = element("dialog", { "aria-labelledby": "upload-title" },
    element("h2", { id: "upload-title" }, "Add films"), drop, said, outcomes,
    element("div", { class: "actions" }, close));

  const send = (files) => sendAll(project, [...files], { outcomes, said, added, close });
  input.addEventListener("change", () => send(input.files));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files);
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", (event) => close.disabled && event.preventDefault());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function sendAll(project, files, { outcomes, said, added, close }) {
  const total = { added: 0, refused: 0 };
  close.disabled = true;
  for (const [index, file] of files.entries()) {
    said.textContent = `Sending ${index + 1} of ${files.length}: ${file.name}`;
    for (const outcome of await sendOne(project, file)) {
      total[outcome.why ? "refused" : "added"] += 1;
      outcomes.append(outcomeItem(outcome));
    }
  }
  close.disabled = false;
  said.textContent = `${total.added} added, ${total.refused} refused`;
  if (total.added) added();
}

/** What became of one file, or of each film of a zip: [{name, why}], no reason where added. */
async function sendOne(project, file) {
  const body = new FormData();
  body.append("files", file);
  try {
    const answer = await api.post(`/api/projects/${project}/films`, body);
    return [
      ...answer.added.map((row) => ({ name: row.image, why: "" })),
      ...Object.entries(answer.refused).map(([name, why]) => ({ name, why })),
    ];
  } catch (refusal) {
    return [{ name: file.name, why: refusal.sentence || String(refusal) }];
  }
}

function outcomeItem({ name, why }) {
  return element("li", { class: why ? "refused" : "done" },
    element("div", {}, element("span", {}, name),
      element("span", { class: "why" }, why || "added")));
}
