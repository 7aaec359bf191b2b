/** The tab Learning, within the app's page behind a shadow root: what was recorded, and live. */

import { linkRow, own } from "../stage/address.js";
import { call, within } from "../stage/pair.js";
import { LiveRun } from "./live.js";
import { Reel, framesOf } from "./reel.js";
import { TEMPLATE } from "./template.js";

/** @typedef {import("./reel.js").Track} Track */

const NOT_KEPT = "Its pictures on the way were not kept: these are of its end.";
const BROKEN = "Its pictures could not be read.";
const NOTHING_KEPT = "Nothing of its training was kept: these are of its end.";

/** @param {{live: boolean}} facts  whether the server trains @param {HTMLElement} place */
export async function begin({ live }, place) {
  return new Learning(await within(place, TEMPLATE, new URL("learning.css", import.meta.url)), live);
}

class Learning {
  /** @param {HTMLElement} root @param {boolean} live */
  constructor(root, live) {
    this.root = root;
    const [recorded, running] = Array.from(root.querySelectorAll(".reel"), (place) => (
      new Reel(/** @type {HTMLElement} */ (place))
    ));
    this.recorded = recorded;
    this.models = ["", ""];
    /** What a link asks for, until it is shown. */
    this.wanted = own("learning");
    /** @type {Map<string, Promise<any>>} */
    this.known = new Map();
    const view = /** @type {HTMLElement} */ (root.querySelector("#view-live"));
    this.run = new LiveRun(view, running, () => this.models[0]);
    for (const [what, hidden] of [[".off", live], [".buttons", !live], [".reel", !live]]) {
      /** @type {HTMLElement} */ (view.querySelector(String(what))).hidden = Boolean(hidden);
    }
    this.#wireTabs();
    linkRow(root, () => this.#query());
  }

  /** What a link says: the models, and a step that is not the last. @returns {[string, string][]} */
  #query() {
    const { recorded, models: [left, right] } = this, live = this.root.querySelector("#view-recorded[hidden]");
    /** @type {[string, string][]} */
    const query = [["tab", "learning"], ["left", left], ["right", right]];
    if (live) query.push(["view", "live"]);
    else if (!recorded.ended) query.push(["at", String(recorded.step)]);
    return query;
  }

  /** Show what was recorded of two models. @param {string[]} models */
  async show(...models) {
    this.models = models;
    const found = await Promise.all(models.map((model) => this.#recording(model)));
    if (models !== this.models) return;  // others have been picked meanwhile
    const tracks = await Promise.all(found.map(track));
    if (models !== this.models) return;
    this.run.offer(found[0].data ?? "");
    this.recorded.set(tracks);
    if (this.wanted.has("at")) this.recorded.seek(Number(this.wanted.get("at")));
    this.wanted = new URLSearchParams();
  }

  /** What the server knows of a model, asked once; what fails is asked again the next time. @param {string} model */
  #recording(model) {
    const asked = this.known.get(model) ?? call("recording", model);
    this.known.set(model, asked);
    return asked.catch((error) => {
      this.known.delete(model);
      return { name: model, role: "", steps: [], sheet: null, kept: true, curves: {}, said: error.message };
    });
  }

  /** As the stage's: arrows move between the tabs, which are one stop of Tab. */
  #wireTabs() {
    const tabs = /** @type {HTMLElement[]} */ (Array.from(this.root.querySelectorAll('[role="tab"]')));
    const open = (/** @type {HTMLElement} */ chosen) => {
      for (const tab of tabs) {
        tab.ariaSelected = String(tab === chosen);
        tab.tabIndex = tab === chosen ? 0 : -1;
        const view = this.root.querySelector(`#${tab.getAttribute("aria-controls")}`);
        /** @type {HTMLElement} */ (view).hidden = tab !== chosen;
      }
      this.recorded.pause();
    };
    tabs.forEach((tab, index) => {
      tab.onclick = () => open(tab);
      tab.onkeydown = ({ key }) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight") return;
        const next = tabs[(index + 1) % tabs.length];
        open(next);
        next.focus();
      };
    });
    open(tabs[this.wanted.get("view") === "live" ? 1 : 0]);
  }
}

/** @param {any} found @returns {Promise<Track>} */
async function track({ name, role, steps, sheet, kept, curves, said }) {
  const words = said ?? (kept ? "" : Object.keys(curves).length ? NOT_KEPT : NOTHING_KEPT);
  const frames = sheet ? await framesOf(sheet, steps).catch(() => null) : [];
  return { name, kind: role, words: frames ? words : BROKEN, frames: frames ?? [], curves };
}
