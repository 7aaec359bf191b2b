/** The stage: two models, four views, one clock. `mount` builds it into an element. */

import { Draw } from "./draw.js";
import { preload } from "./engine.js";
import { Explore } from "./explore.js";
import { Path } from "./path.js";
import { beside, save } from "./pictures.js";
import { LAST_SEED } from "./plane.js";
import { COUNT, Sample } from "./sample.js";
import { Side } from "./side.js";
import { State, VIEWS } from "./state.js";
import { TEMPLATE } from "./template.js";

/**
 * @typedef {import("./engine.js").About} About
 * @typedef {import("./explore.js").Drift} Drift
 * @typedef {import("./state.js").View} View
 * @typedef {{models: About[], left: string, right: string, drift: Drift}} Facts  stage.json
 */

const LONGEST_STEP = 0.05;  // seconds: after a pause the drift goes on, it does not jump
const ADDRESS_MS = 500;  // browsers limit how often an address may be replaced

/**
 * Build the stage into an element, from the facts that lie beside it.
 * @param {HTMLElement} element @param {URL} base  the folder of stage.json
 * @param {Record<string, string>} [kept]  what its addresses say for the page around it
 */
export async function mount(element, base, kept = {}) {
  preload();
  const response = await fetch(new URL("stage.json", base));
  if (!response.ok) throw new Error(`stage.json: ${response.status}`);
  return new Stage(element, base, await response.json(), kept);
}

export class Stage {
  /**
   * @param {HTMLElement} element @param {URL} base @param {Facts} facts
   * @param {Record<string, string>} kept
   */
  constructor(element, base, facts, kept) {
    this.element = element;
    this.kept = kept;
    this.visible = false;
    this.base = base;
    this.facts = facts;
    this.state = new State();
    this.state.go(facts.drift.x, facts.drift.y);
    this.state.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.state.read(new URLSearchParams(location.search));
    element.classList.add("duet-stage");
    element.innerHTML = TEMPLATE;
    this.sides = [this.#side("left"), this.#side("right")];
    this.state.left = this.sides[0].about.name;
    this.state.right = this.sides[1].about.name;
    const view = (/** @type {View} */ name) => this.#find(`#view-${name}`);
    this.explore = new Explore(this, view("explore"), facts.drift);
    this.views = {
      explore: this.explore, sample: new Sample(this, view("sample")),
      interpolate: new Path(this, view("interpolate")), draw: new Draw(this, view("draw")),
    };
    this.addressed = 0;
    this.#listen();
    this.#chips();
    this.reflect();
    this.open(this.state.view);
    this.last = performance.now();
    new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; }).observe(element);
    const frame = (/** @type {number} */ now) => {
      if (!element.isConnected) return this.sides.forEach((side) => side.stop());
      if (this.visible) this.#tick(now);
      this.last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    for (const side of this.sides) side.wake();
  }

  /** @param {number} now */
  #tick(now) {
    const seconds = Math.min(LONGEST_STEP, Math.max(0, (now - this.last) / 1000));
    this.views[this.state.view].tick(seconds, now);
  }

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    const found = this.element.querySelector(selector);
    if (!(found instanceof HTMLElement)) throw new Error(`the stage has no ${selector}`);
    return found;
  }

  /** @param {"left" | "right"} which */
  #side(which) {
    const { models } = this.facts;
    const about = models.find(({ name }) => name === this.state[which])
      ?? models.find(({ name }) => name === this.facts[which]) ?? models[0];
    return new Side(about, new URL(`models/${about.name}/`, this.base), () => this.reflect());
  }

  /** Another model on a side. @param {number} i @param {string} name */
  choose(i, name) {
    this.state[i ? "right" : "left"] = name;
    this.sides[i].stop();
    this.sides[i] = this.#side(i ? "right" : "left");
    this.reflect();
    this.sides[i].wake();
  }

  /** @param {View} view */
  open(view) {
    this.state.view = view;
    for (const name of VIEWS) {
      const tab = this.#find(`#tab-${name}`), selected = name === view;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      this.#find(`#view-${name}`).hidden = !selected;
    }
    this.reflect();
    this.moved();
  }

  /** @param {boolean} playing */
  play(playing) {
    if (!playing) this.explore.rest();
    if (this.state.playing === playing) return;
    this.state.playing = playing;
    this.reflect();
  }

  /** The sides' colours, as this scheme has them. */
  get colours() {
    return [...this.element.querySelectorAll("#view-explore figcaption")].map(
      (caption) => getComputedStyle(caption).color,
    );
  }

  /** Bring the controls in line with the state. */
  reflect() {
    const { state } = this;
    this.element.querySelectorAll("figure[data-side]").forEach((figure) => {
      const i = /** @type {HTMLElement} */ (figure).dataset.side === "left" ? 0 : 1;
      const side = this.sides[i];
      if (!side) return;
      /** @type {HTMLElement} */ (figure).dataset.kind = side.about.role;
      const select = /** @type {HTMLSelectElement} */ (figure.querySelector("select"));
      if (!select.options.length) {
        for (const { name, title } of this.facts.models) {
          const option = new Option(title, name);
          option.title = name;
          select.add(option);
        }
        select.addEventListener("change", () => this.choose(i, select.value));
        figure.querySelector(".retry")?.addEventListener("click", () => this.sides[i].retry());
      }
      select.value = side.about.name;
      /** @type {HTMLElement} */ (figure.querySelector(".words")).textContent = side.words;
      /** @type {HTMLElement} */ (figure.querySelector(".retry")).hidden = !side.gone;
    });
    for (const name of /** @type {const} */ (["seed", "from", "to"])) {
      this.#input(name).value = String(state[name]);
    }
    this.#input("kind").value = state.kind;
    this.#input("at").value = String(state.weight);
    this.#input("through").checked = state.through;
    this.#input("psi").value = String(state.truncation);
    this.#find("output").textContent = state.truncation.toFixed(2);
    const play = this.#find("[data-act=play]");
    play.textContent = state.playing ? "Pause" : "Play";
    this.element.querySelectorAll(".chips input").forEach((chip) => {
      const { value } = /** @type {HTMLInputElement} */ (chip);
      /** @type {HTMLInputElement} */ (chip).checked = value === String(state.chosen ?? "");
    });
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.#find(`[name=${name}]`));
  }

  #chips() {
    const chips = this.#find(".chips");
    const most = this.facts.models.reduce((a, b) => (b.num_classes > a.num_classes ? b : a));
    const names = most.class_names.slice(0, most.num_classes);
    chips.hidden = !names.length;
    for (const [value, text] of [["", "any"], ...names.map((name, i) => [String(i), name])]) {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "class", value });
      input.addEventListener("change", () => {
        this.state.chosen = value === "" ? null : Number(value);
        this.moved();
      });
      label.append(input, Object.assign(document.createElement("span"), { textContent: text }));
      chips.append(label);
    }
  }

  #listen() {
    const { state } = this;
    this.element.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target), { act } = button.dataset;
      if (act === "play") this.play(!state.playing);
      if (act === "snap") {
        this.explore.snaps = !this.explore.snaps;
        button.setAttribute("aria-pressed", String(this.explore.snaps));
      }
      if (act === "roll") this.explore.goToSeed(Math.floor(Math.random() * (LAST_SEED + 1)));
      if (act === "next") {
        state.seed = Math.min(LAST_SEED - COUNT + 1, state.seed + COUNT);
        this.reflect();
        this.moved();
      }
      if (act === "link") this.copy(this.link(), "The link is copied.");
      if (act === "save") this.save();
    });
    const tabs = this.#find("nav");
    tabs.addEventListener("click", (event) => {
      const tab = /** @type {HTMLElement} */ (event.target).closest("[role=tab]");
      if (tab) this.open(/** @type {View} */ (tab.id.slice("tab-".length)));
    });
    tabs.addEventListener("keydown", (event) => {
      const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!turn) return;
      const next = VIEWS[(VIEWS.indexOf(state.view) + turn + VIEWS.length) % VIEWS.length];
      this.open(next);
      this.#find(`#tab-${next}`).focus();
    });
    const bind = (/** @type {string} */ name, /** @type {(input: HTMLInputElement) => void} */ take,
      event = "input") => {
      const input = this.#input(name);
      input.addEventListener(event, () => {
        if (input.validity.valid && input.value !== "") take(input);
        this.moved();
      });
    };
    bind("psi", (input) => {
      state.truncation = Number(input.value);
      this.#find("output").textContent = state.truncation.toFixed(2);
    });
    bind("place", (input) => this.explore.goToSeed(Number(input.value)));
    bind("seed", (input) => { state.seed = Number(input.value); });
    bind("from", (input) => { state.from = Number(input.value); });
    bind("to", (input) => { state.to = Number(input.value); });
    bind("kind", (input) => { state.kind = input.value; });
    bind("through", (input) => { state.through = input.checked; }, "change");
  }

  /** What is in sight has changed: soon the address says so. */
  moved() {
    if (this.addressed || !this.visible) return;
    this.addressed = setTimeout(() => {
      this.addressed = 0;
      history.replaceState(history.state, "", this.link());
      if (!this.state.playing && this.state.view === "explore") this.say(this.explore.words);
      const place = this.#input("place");
      if (!place.matches(":focus")) place.value = String(this.explore.seed);
    }, ADDRESS_MS);
  }

  /** The address of what is in sight. */
  link() {
    const url = new URL(location.href);
    url.search = String(new URLSearchParams([
      ...Object.entries(this.kept), ...new URLSearchParams(this.state.query()),
    ]));
    return url.href;
  }

  /** @param {string} text @param {string} done */
  async copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      this.say(done);
    } catch {
      this.say(text);  // no clipboard here: the visitor may mark it
    }
  }

  /** @param {string} words */
  say(words) {
    this.#find(".said").textContent = words;
  }

  /** Both pictures in sight, side by side, as a file. */
  save() {
    const canvases = [...this.#find(`#view-${this.state.view}`).querySelectorAll(
      "figure canvas:not(.strip)",
    )].map((canvas) => /** @type {HTMLCanvasElement} */ (canvas));
    save(beside(canvases, 8), `duet-${this.state.view}.png`);
  }
}
