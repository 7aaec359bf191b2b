/**
 * What the tabs beside the stage share: a place behind a shadow root, the two models in view, awake
 * once the first of these tabs is opened, and the app's own calls.
 */

import { call as ask } from "./call.js";
import { preload } from "./engine.js";
import { Side } from "./side.js";

/**
 * @typedef {import("./engine.js").About} About
 * @typedef {{models: About[]}} Facts
 */

const SHEETS = ["stage.css", "tabs.css"].map((name) => new URL(name, import.meta.url));

/** The folder of the app's endpoints. */
export const SERVER = new URL("gradio_api/", document.baseURI);

/** @type {Pair | null} */
let only = null;

/** The one pair of the page. @param {Facts} facts */
export function pairOf(facts) {
  return (only ??= new Pair(facts, new URL(".", import.meta.url)));
}

export class Pair {
  /** @param {Facts} facts @param {URL} base */
  constructor(facts, base) {
    preload();
    this.facts = facts;
    this.base = base;
    /** @type {Side[]} */
    this.sides = [];
    /** @type {Set<() => void>} */
    this.listeners = new Set();
  }

  /** Other models, by name. @param {string[]} names */
  show(...names) {
    names.forEach((name, i) => {
      if (this.sides[i]?.about.name === name) return;
      const about = this.facts.models.find((one) => one.name === name) ?? this.facts.models[0];
      this.sides[i]?.stop();
      this.sides[i] = new Side(about, this.base, () => this.#changed(), SERVER);
      this.sides[i].wake();
    });
    this.#changed();
  }

  /** Every class that one of the models knows. */
  get classes() {
    return [...new Set(this.sides.flatMap((side) => side.classes))];
  }

  #changed() {
    for (const listener of this.listeners) listener();
  }
}

/**
 * A tab's own element, whose look and the page's do not reach each other.
 * @param {HTMLElement} place @param {string} html @param {...URL} more  style sheets of its own
 */
export async function within(place, html, ...more) {
  const sheets = await Promise.all([...SHEETS, ...more].map(
    (url) => fetch(url).then((answer) => answer.text()),
  ));
  const style = document.createElement("style"), element = document.createElement("div");
  style.textContent = sheets.join("\n");
  element.className = "duet-stage duet-tab";
  element.innerHTML = html;
  const host = document.createElement("div");
  host.className = "tab-mount";
  host.attachShadow({ mode: "open" }).append(style, element);
  place.replaceChildren(host);
  return element;
}

/**
 * An answer of one of the app's endpoints.
 * @param {string} name @param {any[]} values
 */
export const call = (name, ...values) => ask(SERVER, name, values);
