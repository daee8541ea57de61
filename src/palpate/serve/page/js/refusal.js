/**
 * Why the server did not do what was asked, in words that can be shown as they are.
 *
 * @property {number} status - HTTP status; 0 where no answer came at all.
 * @property {string} code - for programs.
 * @property {string} sentence - for people.
 * @property {object} body - the whole answer: of a conflict (409) with `missed` and `reading`.
 * @property {number} retryAfter - seconds to wait before the next try; 0 where none was named.
 */
export class Refusal extends Error {
  constructor(status, code, sentence, body = {}, retryAfter = 0) {
    super(sentence);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.sentence = sentence;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may well succeed later: no answer, too many, or server in trouble. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/** The refusal that a response carries; an answer that is none of ours gets a sentence too. */
export async function refusalOf(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  let body = {};
  try {
    body = await response.json();
  } catch {
    body = {}; // a proxy's page, or an answer that was cut short
  }
  const sentence = body.sentence || `The server answered ${response.status} without a reason.`;
  return new Refusal(response.status, body.code || "unknown", sentence, body, retryAfter);
}

/** The refusal of a request that got no answer. */
export function noAnswer() {
  return new Refusal(0, "offline", "The server does not answer. Is it still running?");
}
