/**
 * Requests to the server: JSON both ways, refusals as exceptions, the CSRF token kept here.
 *
 *     const page = await api.get("/api/projects/cervical/queue");
 *     await api.post(`/api/cases/${id}/readings/shared/events`, event);
 *
 * Every call throws a {@link Refusal}. Without a valid session the sign-in page opens, and leads
 * back here afterwards; a page that holds unsaved work says so first with `whenSignedOut`.
 */
import { Refusal, noAnswer, refusalOf } from "./refusal.js";

export { Refusal };

const CHANGES = new Set(["POST", "PATCH", "PUT", "DELETE"]);

/** @type {Promise<object> | null} the session, asked for once */
let session = null;
let signedOut = goToSignIn;

/** Opens the sign-in page; the way back is a fragment, which no server or log ever sees. */
function goToSignIn({ back = true } = {}) {
  const here = back ? `#${location.pathname}` : "";
  location.assign(`/sign-in${here}`);
}

/** Who is signed in: {name, title, role, csrf, expires}. */
function whoami({ again = false } = {}) {
  if (again || session === null) {
    session = request("GET", "/api/session").then((response) => response.json());
    session.catch(() => {
      session = null;
    });
  }
  return session;
}

function prepared(method, body, csrf, signal) {
  const headers = { Accept: "application/json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  return { method, headers, body, signal, credentials: "same-origin", redirect: "error" };
}

async function request(method, path, body, { signal, quiet = false } = {}) {
  const csrf = CHANGES.has(method) && !quiet ? (await whoami()).csrf : "";
  let response;
  try {
    response = await fetch(path, prepared(method, body, csrf, signal));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw noAnswer();
  }
  if (response.ok) return response;
  const refusal = await refusalOf(response);
  if (response.status === 401 && !quiet) {
    session = null;
    signedOut(refusal);
  }
  throw refusal;
}

/** Asks once more with a fresh token where the session was renewed in another tab. */
async function changing(method, path, body, options) {
  try {
    return await request(method, path, body, options);
  } catch (refusal) {
    if (refusal.status !== 403 || refusal.code !== "csrf") throw refusal;
    await whoami({ again: true });
    return request(method, path, body, options);
  }
}

async function answered(response) {
  return response.status === 204 ? null : response.json();
}

export const api = {
  whoami,

  /** What happens instead of opening the sign-in page when the session is over. */
  whenSignedOut(handler) {
    signedOut = handler;
  },

  goToSignIn,

  /** @returns {Promise<any>} */
  async get(path, options) {
    return answered(await request("GET", path, undefined, options));
  },

  /** @param {object | FormData} body */
  async post(path, body, options) {
    return answered(await changing("POST", path, body, options));
  },

  async patch(path, body, options) {
    return answered(await changing("PATCH", path, body, options));
  },

  async delete(path, body, options) {
    return answered(await changing("DELETE", path, body, options));
  },

  /** @returns {Promise<ArrayBuffer>} */
  async bytes(path, options) {
    return (await request("GET", path, undefined, options)).arrayBuffer();
  },

  /** Signs in with {token} or {name, password}; an error is thrown, no page opens. */
  async signIn(body) {
    const answer = await answered(await request("POST", "/api/session", body, { quiet: true }));
    session = Promise.resolve(answer);
    return answer;
  },

  async signOut() {
    await changing("DELETE", "/api/session");
    session = null;
  },
};
