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

/** Counts the seconds down; what is read aloud is said once, at the beginning. */
function wait(seconds) {
  const go = byId("go");
  showTrouble(`Too many tries. Wait ${seconds} seconds, then try again.`);
  const end = Date.now() + seconds * 1000;
  go.disabled = true;
  const clock = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    go.textContent = left > 0 ? `Sign in (in ${left} s)` : "Sign in";
    if (left > 0) return;
    clearInterval(clock);
    go.disabled = false;
    showTrouble("");
  }, 200);
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
    if (refusal.status === 429) wait(refusal.retryAfter || 30);
    else showTrouble(refusal.sentence || String(refusal));
  }
}

byId("why").textContent = whyHere(location.search, location.hash);
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
byId("form").addEventListener("submit", signIn);
byId("name").focus();
