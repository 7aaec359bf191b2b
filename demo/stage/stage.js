/** The stage: two models, five views, one clock. `mount` builds it into an element. */

import { addressOf, copy, own } from "./address.js";
import { Draw } from "./draw.js";
import { preload } from "./engine.js";
import { Explore } from "./explore.js";
import { Lessons } from "./lessons.js";
import { Path } from "./path.js";
import { beside, save } from "./pictures.js";
import { LAST_SEED } from "./plane.js";
import { Quiz } from "./quiz.js";
import { COUNT, Sample } from "./sample.js";
import { Side } from "./side.js";
import { State, VIEWS } from "./state.js";
import { TEMPLATE } from "./template.js";

/**
 * @typedef {import("./engine.js").About} About
 * @typedef {import("./recording.js").Drift} Drift
 * @typedef {import("./state.js").View} View
 * @typedef {{models: About[], left: string, right: string, drift: Drift,
 *   datasets: Record<string, string[]>, quiz: Record<string, import("./quiz.js").Real>}} Facts
 *   stage.json; the first two of a data set are its pair
 * @typedef {{kept?: Record<string, string>, server?: URL | null}} Around  what the stage's addresses
 *   say for the page around it; the folder of its endpoints, where that page has pickers of its own
 */

const LONGEST_STEP = 0.05;  // seconds: after a pause the drift goes on, it does not jump
const ADDRESS_MS = 500;  // browsers limit how often an address may be replaced
const WHICH = /** @type {const} */ (["left", "right"]);

/**
 * Build the stage into an element, from the facts that lie beside it.
 * @param {HTMLElement} element @param {URL} base  the folder of stage.json
 */
export async function mount(element, base) {
  preload();
  const response = await fetch(new URL("stage.json", base));
  if (!response.ok) throw new Error(`stage.json: ${response.status}`);
  return new Stage(element, base, await response.json());
}

export class Stage {
  /**
   * @param {HTMLElement} element @param {URL} base @param {Facts} facts @param {Around} [around]
   */
  constructor(element, base, facts, { kept = {}, server = null } = {}) {
    this.element = element;
    this.kept = kept;
    this.server = server;
    this.visible = false;
    /** Models that a lesson has asked for, until who has pickers for them has heard it. */
    this.asked = /** @type {string[] | null} */ (null);
    this.base = base;
    this.facts = facts;
    this.state = new State();
    this.state.go(facts.drift.x, facts.drift.y);
    this.state.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.state.read(this.#address());
    element.classList.add("duet-stage");
    element.innerHTML = TEMPLATE;
    element.dataset.hide = document.documentElement.dataset.hide ?? "";  // hide.js
    this.sides = WHICH.map((side) => this.#side(side));
    const view = (/** @type {View} */ name) => this.#find(`#view-${name}`);
    this.explore = new Explore(this, view("explore"), facts.drift);
    this.views = {
      explore: this.explore, sample: new Sample(this, view("sample")),
      interpolate: new Path(this, view("interpolate")), draw: new Draw(this, view("draw")),
      quiz: new Quiz(this, view("quiz")),
    };
    this.addressed = 0;
    this.#listen();
    this.#pickers();
    this.#chips();
    if (this.state.through && !this.state.via.length) this.state.via = this.classes;
    this.lessons = new Lessons(this, this.#find("#lessons"));
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

  /** What the address says for the stage; where it names another tab, the models alone. */
  #address() {
    const { tab } = this.kept, all = new URLSearchParams(location.search);
    if (!tab || own(tab, true).size) return all;
    return new URLSearchParams([...all].filter(([name]) => WHICH.some((which) => which === name)));
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
    const { models } = this.facts, named = (/** @type {string} */ name) => (
      models.find((about) => about.name === name)
    );
    const wanted = this.state[which];
    const about = named(wanted) ?? named(this.facts[which]) ?? models[0];
    const side = new Side(about, this.base, () => this.reflect(), this.server);
    if (wanted && wanted !== about.name) side.note = `there is no “${wanted}” here`;
    this.state[which] = about.name;
    return side;
  }

  /** Other models, by name. @param {string} left @param {string} right */
  show(left, right) {
    [left, right].forEach((name, i) => {
      if (this.sides[i].about.name === name) return;
      this.state[WHICH[i]] = name;
      this.sides[i].stop();
      this.sides[i] = this.#side(WHICH[i]);
      this.explore.map.forget(i);
      this.sides[i].wake();
    });
    this.#chips();
    this.reflect();
    this.moved();
  }

  /**
   * Go to what the query of a link says; place and models that it does not name stay. Of other
   * models the page around is told: it has pickers.
   * @param {string} query
   */
  follow(query) {
    const { x, y, left, right, playing } = this.state, wanted = new State();
    Object.assign(wanted, { x, y, left, right, playing });
    wanted.read(new URLSearchParams(query));
    const place = /** @type {[number, number]} */ ([wanted.x, wanted.y]);
    Object.assign(this.state, wanted, { x, y, left, right, playing });
    this.show(wanted.left, wanted.right);
    if (left !== this.state.left || right !== this.state.right) {
      this.asked = [this.state.left, this.state.right];
      this.element.dispatchEvent(new Event("models", { bubbles: true, composed: true }));
    }
    this.open(this.state.view);
    if (place[0] !== x || place[1] !== y) this.explore.fly(place);
    else this.play(wanted.playing);
  }

  /** Every class that one of the models knows. */
  get classes() {
    return [...new Set(this.sides.flatMap((side) => side.classes))];
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
    this.#find(".controls").hidden = view === "quiz";  // no question is of a chosen class
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

  /** Whether a hand is on it just now. */
  get held() {
    return this.explore.hand !== null || this.views.draw.pad.at !== null;
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
      const select = figure.querySelector("select");
      if (select) select.value = side.about.name;
      const name = figure.querySelector(".name");
      if (name) name.textContent = side.about.name;
      /** @type {HTMLElement} */ (figure.querySelector(".words")).textContent = side.words;
      /** @type {HTMLElement} */ (figure.querySelector(".retry")).hidden = !side.gone;
    });
    for (const name of /** @type {const} */ (["seed", "from", "to"])) {
      this.#input(name).value = String(state[name]);
    }
    this.#input("kind").value = state.kind;
    this.#input("at").value = String(state.weight);
    this.#input("returns").checked = state.returns;
    const pair = this.sides.map(({ about }) => about.name);
    this.#input("pictures").value = Object.keys(this.facts.datasets).find(
      (title) => pair.every((name) => this.facts.datasets[title].includes(name)),
    ) ?? "";
    this.#input("psi").value = String(state.truncation);
    this.#find(".psi .value").textContent = state.truncation.toFixed(2);
    const play = this.#find("[data-act=play]");
    play.textContent = state.playing ? "Pause" : "Play";
    this.element.querySelectorAll(".chips input").forEach((chip) => {
      const { type, value } = /** @type {HTMLInputElement} */ (chip);
      /** @type {HTMLInputElement} */ (chip).checked = type === "radio"
        ? value === (state.chosen ?? "") : state.via.includes(value);
    });
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.#find(`[name=${name}]`));
  }

  /** The data sets and their models, to choose from; where the page around has pickers, names. */
  #pickers() {
    const { datasets, models } = this.facts, titles = Object.keys(datasets);
    for (const picker of this.element.querySelectorAll("figcaption select")) {
      const select = /** @type {HTMLSelectElement} */ (picker);
      if (this.server) {
        select.remove();
        continue;
      }
      select.nextElementSibling?.remove();
      for (const title of titles) {
        const group = document.createElement("optgroup");
        group.label = title;
        const members = models.filter(({ name }) => datasets[title].includes(name));
        for (const about of members) {
          const alone = members.filter((other) => other.title === about.title).length === 1;
          group.append(new Option(alone ? about.title : about.name, about.name));
        }
        select.append(...(titles.length > 1 ? [group] : group.children));
      }
      select.addEventListener("change", () => {
        const names = this.sides.map(({ about }) => about.name);
        names[picker.closest("[data-side=right]") ? 1 : 0] = select.value;
        this.show(names[0], names[1]);
      });
    }
    this.element.querySelectorAll("figure[data-side]").forEach((figure) => {
      const i = figure.matches("[data-side=right]") ? 1 : 0;
      figure.querySelector(".retry")?.addEventListener("click", () => this.sides[i].retry());
    });
    const pictures = /** @type {HTMLSelectElement} */ (this.#find("[name=pictures]"));
    for (const title of titles) pictures.add(new Option(title, title));
    pictures.addEventListener("change", () => {
      const [left, right = left] = datasets[pictures.value];
      this.show(left, right);
    });
    this.#find(".pictures").hidden = titles.length < 2 || this.server !== null;
  }

  /** The classes of the models in sight; what else was chosen is let go. */
  #chips() {
    const { state, classes } = this;
    if (state.chosen !== null && !classes.includes(state.chosen)) state.chosen = null;
    state.via = state.via.filter((name) => classes.includes(name));
    const [via, one] = [this.#find(".via"), this.#find(".one")];
    via.hidden = one.hidden = !classes.length;
    fill(one, [["", "any"], ...classes.map((name) => [name, name])], "radio", (value) => {
      state.chosen = value || null;
      this.moved();
    });
    fill(via, classes.map((name) => [name, name]), "checkbox", (value) => {
      state.via = state.via.includes(value) ? state.via.filter((name) => name !== value)
        : [...state.via, value];
      this.moved();
    });
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
      if (act === "lessons") this.lessons.toggle();
      if (act === "link") this.copy(this.link());
      if (act === "save") this.save();
    });
    const tabs = this.#find("nav");
    tabs.addEventListener("click", (event) => {
      const tab = /** @type {HTMLElement} */ (event.target).closest("[role=tab]");
      if (tab) this.open(/** @type {View} */ (tab.id.slice("tab-".length)));
    });
    tabs.addEventListener("keydown", (event) => {
      const at = VIEWS.indexOf(state.view), count = VIEWS.length;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: count - 1 }[event.key];
      if (to === undefined) return;
      const next = VIEWS[(to + count) % count];
      event.preventDefault();
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
      this.#find(".psi .value").textContent = state.truncation.toFixed(2);
    });
    bind("place", (input) => this.explore.goToSeed(Number(input.value)));
    bind("seed", (input) => { state.seed = Number(input.value); });
    bind("from", (input) => { state.from = Number(input.value); });
    bind("to", (input) => { state.to = Number(input.value); });
    bind("kind", (input) => { state.kind = input.value; });
    bind("returns", (input) => { state.returns = input.checked; }, "change");
  }

  /** What is in sight has changed: soon the address says so. */
  moved() {
    if (this.addressed || !this.visible) return;
    this.addressed = setTimeout(() => {
      this.addressed = 0;
      if (!this.visible) return;  // another tab's turn
      history.replaceState(history.state, "", this.link());
      if (!this.state.playing && this.state.view === "explore") this.say(this.explore.words);
      const place = this.#input("place");
      if (!place.matches(":focus")) place.value = String(this.explore.seed);
    }, ADDRESS_MS);
  }

  /** The address of what is in sight. */
  link() {
    return addressOf([
      ...Object.entries(this.kept), ...this.lessons.query,
      ...new URLSearchParams(this.state.query()),
    ]);
  }

  /** @param {string} text @param {string} [done] */
  async copy(text, done) {
    this.say(await copy(text, done));
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

/**
 * Chips to choose by.
 * @param {HTMLElement} field @param {string[][]} choices  value and text of each
 * @param {string} type @param {(value: string) => void} take
 */
function fill(field, choices, type, take) {
  field.querySelectorAll("label").forEach((label) => label.remove());
  for (const [value, text] of choices) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type, name: type === "radio" ? "class" : "via", value });
    input.addEventListener("change", () => take(value));
    label.append(input, Object.assign(document.createElement("span"), { textContent: text }));
    field.append(label);
  }
}
