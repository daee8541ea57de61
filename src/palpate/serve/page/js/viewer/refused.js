/** The server will not take a change at all: why, and what can be done with it. */
import { element } from "../element.js";

/**
 * @param {import("./saver.js").Saver} saver
 * @param {() => Promise<object>} fetchReading - as it is on the server now
 */
export function askAboutRefusal(saver, fetchReading) {
  const trouble = element("p", { class: "notice bad", role: "alert" });
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const drop = async () => {
    try {
      const message = await fetchReading();
      close();
      saver.giveUp(message);
    } catch (refusal) {
      trouble.textContent = refusal.sentence ?? String(refusal);
    }
  };
  const again = () => {
    close();
    saver.again();
  };
  const count = saver.unsaved === 1 ? "Your last change is" : `Your last ${saver.unsaved} changes are`;
  const dialog = element("dialog", { "aria-labelledby": "refused-title" },
    element("h2", { id: "refused-title" }, `${count} not saved`),
    element("p", {}, saver.refusal.sentence), trouble,
    element("div", { class: "actions" },
      element("button", { type: "button", onclick: drop }, "Give them up"),
      element("button", { type: "button", class: "go", onclick: again }, "Try again")));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
}
