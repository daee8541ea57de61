/** Name and password, and back to where one came from. */
import { api } from "./api.js";

const byId = (id) => document.getElementById(id);

/** Where to go on: only ever a place of this application, whatever stands in the fragment. */
export function wayBack(hash) {
  const path = hash.slice(1);
  return /^\/(case\/[\w-]+(\/(report|adjudicate))?|accounts|help)$/.test(path) ? path : "/";
}

/** Why the reader is here, where there is a reason. */
export function whyHere(search, hash) {
  const query = new URLSearchParams(search);
  if (query.get("reason") === "token" || query.has("token"))
    return "This link is no longer valid: palpate has been started again since, or the link was "
      + "not copied whole. Use the address that it printed last.";
  return hash ? "Your session is over. Sign in again to go on where you were." : "";
}

function showTrouble(words) {
  byId("trouble").textContent = words;
}

/** Counts down on the button; what is read aloud is the sentence, once. */
function wait({ sentence, retryAfter }) {
  const go = byId("go");
  const end = Date.now() + 1000 * (retryAfter || 30);
  showTrouble(sentence);
  go.disabled = true;
  const clock = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    go.textContent = left > 0 ? `Sign in (in ${minutes(left)})` : "Sign in";
    if (left > 0) return;
    clearInterval(clock);
    go.disabled = false;
    showTrouble("");
  }, 200);
}

function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function signIn(event) {
  event.preventDefault();
  const { name, password } = byId("form");
  showTrouble("");
  byId("go").disabled = true;
  try {
    await api.signIn({ name: name.value.trim(), password: password.value });
    location.replace(wayBack(location.hash));
  } catch (refusal) {
    byId("go").disabled = false;
    password.value = "";
    password.focus();
    if (refusal.status === 429) wait(refusal);
    else showTrouble(refusal.sentence || String(refusal));
  }
}

byId("why").textContent = whyHere(location.search, location.hash);
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
byId("form").addEventListener("submit", signIn);
byId("name").focus();
