/** A live training: a ticket, and a look at it every second until it is over. */

import { call } from "../stage/call.js";
import { SERVER } from "../stage/pair.js";
import { framesOf } from "./reel.js";

/** @typedef {import("./reel.js").Reel} Reel @typedef {import("./reel.js").Track} Track */

const LOOK_MS = 1000;
const KINDS = new Map([["GAN", "adversarial"], ["VAE", "variational"]]);  // as the server has them
const WORDS = new Map(Object.entries({
  waiting: "Another pair is training. Your place in the queue:",
  starting: "Starting: the libraries and the pictures are being loaded.",
  training: "Both are learning.",
  done: "The time is over. Move the slider to see how it went.",
  stopped: "Stopped.",
  failed: "The training could not go on.",
}));
const OVER = ["done", "stopped", "failed"];
const MOST_FAILURES = 5;  // looks in a row that were not answered

/** @param {string} name @param {any[]} values @param {RequestInit} [options] */
const ask = (name, values, options) => call(SERVER, name, values, options);
const pause = (/** @type {number} */ ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** @returns {Track[]} */
const nothing = () => Array.from(KINDS, ([name, kind]) => (
  { name, kind, words: "", frames: [], curves: {} }
));

export class LiveRun {
  /** @param {HTMLElement} root @param {Reel} reel @param {() => string} model  whose pictures */
  constructor(root, reel, model) {
    const find = (/** @type {string} */ what) => /** @type {any} */ (root.querySelector(what));
    this.reel = reel;
    this.begin = find('[data-act="start"]');
    this.end = find('[data-act="stop"]');
    this.progress = find("progress");
    this.state = find(".state");
    this.place = find(".place");
    this.data = find(".data");
    this.offered = "";
    this.why = find(".why");
    /** @type {string | null} */
    this.ticket = null;
    this.said = "";
    this.stopping = false;
    this.begin.onclick = () => this.#run(model());
    this.end.onclick = () => this.#stop();
    addEventListener("pagehide", () => this.#stop(true));
    this.reel.set(nothing());
  }

  /** What the next run would be of; one that is under way keeps its own. @param {string} data */
  offer(data) {
    this.offered = data;
    if (!this.begin.disabled) this.data.textContent = data;
  }

  /** @param {string} model */
  async #run(model) {
    this.stopping = false;
    this.#is(true);
    this.#say("starting");
    this.progress.value = 0;
    try {
      this.ticket = await ask("live_start", [model]);
      if (this.stopping) await this.#stop();
      await this.#watch();
    } catch (error) {
      this.#say("failed", error instanceof Error ? error.message : String(error));
    }
    this.ticket = null;
    this.#is(false);
  }

  async #watch() {
    const tracks = nothing();
    this.reel.set(tracks);
    let failures = 0;
    for (;;) {
      try {
        const seen = tracks.map(({ frames }) => frames.at(-1)?.step ?? -1);
        const found = await ask("live_look", [this.ticket, seen]);
        failures = 0;
        await this.#show(found, tracks);
        if (OVER.includes(found.state)) return;
      } catch (error) {
        if (++failures === MOST_FAILURES) throw error;
      }
      await pause(LOOK_MS);
    }
  }

  /** @param {any} found @param {Track[]} tracks */
  async #show(found, tracks) {
    this.#say(found.state, found.said, found.place);
    this.progress.value = Math.min(1, found.seconds / found.of_seconds);
    for (const [side, { steps, sheet, curves }] of found.sides.entries()) {
      if (sheet) tracks[side].frames.push(...await framesOf(sheet, steps));
      tracks[side].curves = curves;
    }
    if (found.sides.some((/** @type {any} */ side) => side.sheet)) this.reel.set(tracks, true);
  }

  /** @param {boolean} [last] */
  async #stop(last = false) {
    this.end.disabled = this.stopping = true;
    if (this.ticket === null) return;  // it will be stopped as soon as it is known
    const options = { keepalive: last };  // the page is going: the call shall outlive it
    await ask("live_stop", [this.ticket], options).catch(() => {});  // then it is over anyway
  }

  /** @param {boolean} running */
  #is(running) {
    this.begin.disabled = running;
    this.data.textContent = this.offered;
    this.end.disabled = !running;
  }

  /** @param {string} state @param {string} [why] @param {number} [place] */
  #say(state, why = "", place = 0) {
    const words = WORDS.get(state) ?? "";
    if (this.said !== words) this.state.textContent = words;  // once, and not what is translated
    this.said = words;
    this.place.textContent = place ? String(place) : "";
    this.why.textContent = why;
  }
}
