/** What is saved and signed of a reading, and what the page shows of it. */
import { api } from "../api.js";
import { askAboutConflict } from "./conflict.js";
import { showHistory } from "./history.js";
import { askAboutRefusal } from "./refused.js";
import { reopen, showSignature, sign } from "./sign.js";
import { showStatus } from "./status.js";

const byId = (id) => document.getElementById(id);

export class Saving {
  /**
   * @param {import("./desk.js").Desk} desk
   * @param {import("./saver.js").Saver} saver
   * @param {{reading: string, report: string}} urls
   * @param {() => void} shown - what else follows a reading that has changed
   */
  constructor(desk, saver, urls, shown) {
    Object.assign(this, { desk, saver, urls, shown });
  }

  watch() {
    const { saver } = this;
    api.whenSignedOut(() => this.signedOut());
    saver.addEventListener("state", () => this.turned());
    addEventListener("beforeunload", (event) => {
      this.desk.finish();
      if (saver.unsaved > 0) event.preventDefault();
    });
    byId("note-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.write();
    });
    showStatus(byId("save"), saver);
  }

  turned() {
    const { saver, desk } = this;
    showStatus(byId("save"), saver);
    if (saver.state === "conflict") askAboutConflict(desk, saver);
    if (saver.state === "refused") askAboutRefusal(saver, () => this.fetch());
    if (saver.state === "saved") this.show();
  }

  show() {
    const { desk } = this;
    showHistory({ list: byId("events"), summary: byId("history-head") }, desk);
    showSignature(byId("signed"), desk.reading.signature, {
      report: this.urls.report,
      onReopen: () => this.reopen(),
    });
    for (const id of ["sign", "note-form"]) byId(id).hidden = !desk.reading.editable;
    byId("guided").disabled = !desk.reading.editable;
    this.shown();
  }

  /** A note for who reads this case next; it is an event like any other. */
  write() {
    const note = byId("note").value.trim();
    if (!note || !this.desk.may()) return;
    this.desk.finish();
    this.desk.reading.add([], "comment", note);
    byId("note").value = "";
    this.desk.say("Your note is kept with the case.");
  }

  signedOut() {
    if (this.saver.unsaved === 0) return api.goToSignIn();
    return this.desk.say("You are signed out. What is not saved is kept here: sign in in another tab.");
  }

  fetch() {
    return api.get(`${this.urls.reading}?events=50`);
  }

  async refresh() {
    this.desk.reading.take(await this.fetch());
    this.show();
  }

  /** What was done a moment ago is saved first; only then is there something to sign. */
  async sign() {
    if (this.signing || !this.desk.may()) return;
    this.signing = true;
    try {
      this.desk.finish();
      if (!(await this.saver.settled()))
        return this.desk.say("What is not saved yet cannot be signed: wait until it is.");
      if (await sign(this.desk, this.urls.reading)) await this.refresh();
    } finally {
      this.signing = false;
    }
  }

  async reopen() {
    if (await reopen(this.desk, this.urls.reading)) await this.refresh();
  }
}
