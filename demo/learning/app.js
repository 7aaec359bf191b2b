/** The tab Learning, within the app's page behind a shadow root: what was recorded, and live. */

import { call } from "./call.js";
import { LiveRun } from "./live.js";
import { Reel, framesOf } from "./reel.js";
import { TEMPLATE } from "./template.js";

/** @typedef {import("./reel.js").Track} Track */

const NOT_KEPT = "Its pictures on the way were not kept: these are of its end.";
const NOTHING_KEPT = "Nothing of its training was kept: these are of its end.";

/**
 * @param {{stage: string, live: boolean}} facts  the folder of the stage, whose look this has; whether
 *   the server trains @param {HTMLElement} host  an empty element
 */
export async function begin({ stage, live }, host) {
  const look = new URL(stage, document.baseURI);
  const sheets = [new URL("stage.css", look), new URL("learning.css", import.meta.url)];
  const texts = await Promise.all(sheets.map((url) => fetch(url).then((answer) => answer.text())));
  const style = document.createElement("style"), root = document.createElement("div");
  style.textContent = texts.join("\n");
  root.className = "duet-stage";
  root.innerHTML = TEMPLATE;
  (host.shadowRoot ?? host.attachShadow({ mode: "open" })).replaceChildren(style, root);
  return new Learning(root, live);
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
    /** @type {Map<string, Promise<any>>} */
    this.known = new Map();
    const view = /** @type {HTMLElement} */ (root.querySelector("#view-live"));
    this.run = new LiveRun(view, running, () => this.models[0]);
    for (const [what, hidden] of [[".off", live], [".buttons", !live], [".reel", !live]]) {
      /** @type {HTMLElement} */ (view.querySelector(String(what))).hidden = Boolean(hidden);
    }
    this.#wireTabs();
  }

  /** Show what was recorded of two models. @param {string[]} models */
  async show(...models) {
    this.models = models;
    const found = await Promise.all(models.map((model) => this.#recording(model)));
    if (models !== this.models) return;  // others have been picked meanwhile
    const tracks = await Promise.all(found.map(track));
    /** @type {HTMLElement} */ (this.root.querySelector(".data")).textContent = found[0].data ?? "";
    if (models === this.models) this.recorded.set(tracks);
  }

  /** What the server knows of a model, asked once; what fails is asked again the next time. @param {string} model */
  #recording(model) {
    const asked = this.known.get(model) ?? call("recording", [model]);
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
    open(tabs[0]);
  }
}

/** @param {any} found @returns {Promise<Track>} */
async function track({ name, role, steps, sheet, kept, curves, said }) {
  const words = said ?? (kept ? "" : Object.keys(curves).length ? NOT_KEPT : NOTHING_KEPT);
  return { name, kind: role, words, frames: sheet ? await framesOf(sheet, steps) : [], curves };
}
