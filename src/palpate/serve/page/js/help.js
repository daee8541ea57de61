import { api } from "./api.js";
import { topBar } from "./top-bar.js";

// The text is for everybody; the bar needs to know who is here.
api.whenSignedOut(() => {});
try {
  topBar(document.getElementById("top-bar"), await api.whoami(), "Help");
} catch {
  document.getElementById("top-bar").hidden = true;
}
