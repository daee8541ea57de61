/** Whether the work is on disk, in words and with a sign; and words for those who listen. */
const WORDS = {
  saved: "All changes saved",
  saving: "Saving…",
  waiting: "Not saved yet",
  conflict: "Not saved: somebody else changed it",
  refused: "Not saved",
};

/** @param {HTMLElement} node @param {import("./saver.js").Saver} saver */
export function showStatus(node, saver) {
  const count = saver.unsaved;
  let words = WORDS[saver.state];
  if (saver.state === "waiting")
    words += `: ${count === 1 ? "one change waits" : `${count} changes wait`}; trying again`;
  node.dataset.save = saver.state;
  node.title = saver.refusal?.sentence ?? "";
  if (node.textContent !== words) node.textContent = words;
}

/** Says something where screen readers hear it and everybody can read it for a while. */
export class Speaker {
  constructor(node) {
    this.node = node;
  }

  say(words) {
    if (!words) return;
    this.node.textContent = words;
    this.node.dataset.shown = "true";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.node.dataset.shown = "false";
    }, 5000);
  }
}
