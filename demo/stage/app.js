/**
 * The stage within the app's page, behind a shadow root, so that neither's look reaches the other. It
 * begins before Gradio is there (demo/first.py) and moves to its place once that stands.
 */

import { preload } from "./engine.js";
import { Stage } from "./stage.js";

/**
 * @typedef {import("./recording.js").Recording} Recording
 * @typedef {import("./stage.js").Facts} Facts
 * @typedef {HTMLElement & {stage: Stage}} Host
 */

/** @type {Promise<Host> | null} */
let begun = null;

/**
 * The stage, begun in an element; a second call gives what has begun.
 * @param {Facts} facts @param {HTMLElement} into @param {Recording} [recording]  that plays already
 */
export function begin(facts, into, recording) {
  begun ??= mount(facts, into, recording);
  return begun;
}

/**
 * @param {Facts} facts @param {HTMLElement} into @param {Recording} [recording]
 * @returns {Promise<Host>}
 */
async function mount(facts, into, recording) {
  preload();
  const base = new URL(".", import.meta.url);
  const style = document.createElement("style"), within = document.createElement("div");
  // As text: a link would be loaded again, and the stage stand bare, when it moves.
  style.textContent = await fetch(new URL("stage.css", base)).then((answer) => answer.text());
  const host = document.createElement("div");
  host.className = "stage-mount";
  host.attachShadow({ mode: "open" }).append(style, within);
  into.append(host);
  const stage = new Stage(within, base, facts, {
    kept: { tab: "stage" }, server: new URL("gradio_api/", document.baseURI),
  });
  if (recording) stage.explore.takeOver(recording);
  return Object.assign(host, { stage });
}

/**
 * Take the stage to its place, when no hand is on it; the focus goes with it.
 * @param {Host} host @param {HTMLElement} place
 */
export async function settle(host, place) {
  while (host.stage.held) await new Promise(requestAnimationFrame);
  const focused = host.shadowRoot?.activeElement;
  place.replaceChildren(host);
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  document.querySelector("#first")?.remove();
}
