/**
 * The tab Latent space: the latent space of both models by the directions along which their pictures
 * change most, as sliders; a grid over two of them; and the encoder's map of held-out pictures.
 */

import { linkRow, own } from "./address.js";
import { ChartView, colourOf } from "./chart.js";
import { latentAt } from "./directions.js";
import { pairOf, within } from "./pair.js";
import { Panel } from "./panel.js";
import { LAST_SEED } from "./plane.js";

/**
 * @typedef {import("./address.js").Pairs} Pairs
 * @typedef {import("./chart.js").Chart} Chart
 * @typedef {import("./pair.js").Pair} Pair
 */

const side = (/** @type {string} */ which) => `<figure data-side="${which}">
  <canvas class="picture" width="28" height="28" role="img" aria-label="The picture of the ${which} model"></canvas>
  <figcaption><span class="name"></span><span class="words" role="status"></span>
    <button type="button" class="retry" hidden>Try again</button></figcaption>
  <div class="sliders" role="group"></div></figure>`;
const grid = (/** @type {string} */ which) => `<figure data-side="${which}">
  <div class="row axes"><label>Across <select name="across"></select></label>
    <label>Down <select name="down"></select></label></div>
  <canvas class="grid" width="144" height="144" role="img" aria-label="Nothing yet"></canvas></figure>`;

const TEMPLATE = `
<p class="lead">A picture's latent is a point with dozens of coordinates. These are the directions in
  which the pictures change most. Pull a slider, and everything else stays as it is.</p>
<div class="sides">${side("left")}${side("right")}</div>
<div class="row">
  <button type="button" class="primary" data-act="roll">Random seed</button>
  <label>Seed <input name="seed" type="number" min="0" max="${LAST_SEED}" value="0" inputmode="numeric"></label>
  <label class="class">Class <select name="class"></select></label>
  <button type="button" data-act="back">Back to the seed</button>
</div>
<p class="aside">The unit is one standard deviation, σ. A direction has a name where something measured
  follows it: r is the correlation. The others are numbered, since no one word would be true.</p>
<h2>A grid over two directions</h2>
<div class="sides">${grid("left")}${grid("right")}</div>
<p class="aside">From −2σ to 2σ each way. Click a picture to go there.</p>
<h2>The encoder's map</h2>
<p class="aside nomap" role="status"></p>
<div class="mapping" hidden>
  <div class="row reading" role="radiogroup" aria-label="How the pictures were read"></div>
  <div class="atlas">
    <canvas class="chart" tabindex="0" role="application" aria-roledescription="map"
      aria-label="Map of held-out pictures. Arrow keys move; both models draw the place."></canvas>
    <div><div class="legend"></div><p class="aside about"></p></div>
  </div>
</div>`;

/** @param {import("./pair.js").Facts} facts @param {HTMLElement} place */
export async function begin(facts, place) {
  return new Space(pairOf(facts), await within(place, TEMPLATE));
}

class Space {
  /** @param {Pair} pair @param {HTMLElement} element */
  constructor(pair, element) {
    this.pair = pair;
    this.element = element;
    this.find = (/** @type {string} */ selector) => (
      /** @type {HTMLElement} */ (element.querySelector(selector))
    );
    const all = (/** @type {string} */ selector) => [...element.querySelectorAll(selector)];
    const tops = all("figure:has(.picture)"), grids = all("figure:has(.grid)");
    this.panels = tops.map((figure, i) => new Panel(
      pair, i, /** @type {HTMLElement} */ (figure), /** @type {HTMLElement} */ (grids[i]),
    ));
    this.chart = new ChartView(
      /** @type {HTMLCanvasElement} */ (this.find(".chart")), (at) => this.#wander(at),
    );
    this.seed = /** @type {HTMLInputElement} */ (this.find("[name=seed]"));
    this.select = /** @type {HTMLSelectElement} */ (this.find("[name=class]"));
    this.seed.addEventListener("input", () => this.#restart());
    this.select.addEventListener("change", () => this.#restart());
    element.addEventListener("click", (event) => {
      const { act } = /** @type {HTMLElement} */ (event.target).dataset;
      if (act === "roll") this.seed.value = String(Math.floor(Math.random() * (LAST_SEED + 1)));
      if (act) this.#restart();
    });
    pair.listeners.add(() => this.reflect());
    /** What a link asks for, until it is shown. */
    this.wanted = own("explore");
    if (this.wanted.has("seed")) this.seed.value = this.wanted.get("seed") ?? "";
    if (!this.seed.validity.valid || this.seed.value === "") this.seed.value = "0";
    linkRow(element, () => this.#query());
  }

  /** What a link says: the seed, the place on the map, and what was moved. @returns {Pairs} */
  #query() {
    const [left, right] = this.pair.sides.map(({ about }) => about.name), { chart, place } = this.chart;
    /** @type {Pairs} */
    const query = [["tab", "explore"], ["left", left], ["right", right], ["seed", this.seed.value]];
    if (this.select.value) query.push(["class", this.select.value]);
    if (chart) query.push(["map", String(this.maps.indexOf(chart))]);
    if (place) query.push(["place", place.join()]);
    return [...query, ...this.panels.flatMap((panel) => panel.query)];
  }

  /** @param {URLSearchParams} query */
  #read(query) {
    const map = this.maps[Number(query.get("map") ?? 0)];
    const place = (query.get("place") ?? "").split(",").map((text) => (text ? Number(text) : NaN));
    if (map && map !== this.chart.chart) {
      this.#chart(map);
      this.find(".reading").querySelectorAll("input").forEach((input, i) => {
        input.checked = this.maps[i] === map;
      });
    }
    if (map && place.length === 2 && place.every(Number.isFinite)) this.chart.go([place[0], place[1]]);
    for (const panel of this.panels) panel.read(query);
  }

  /** The maps of the side that has some. */
  get maps() {
    return this.panels[this.mapped ?? -1]?.atlas?.maps ?? [];
  }

  /** @param {string} left @param {string} right */
  async show(left, right) {
    this.pair.show(left, right);
    const { classes, sides } = this.pair, value = this.wanted.get("class") ?? this.select.value;
    this.select.replaceChildren(new Option("any", ""), ...classes.map((name) => new Option(name)));
    this.select.value = classes.includes(value) ? value : "";
    this.find(".class").hidden = !classes.length;
    this.find(".nomap").textContent = "The latent spaces are being looked at …";
    const loading = this.panels.map((panel) => panel.load());  // which forgets the models before
    this.#restart();
    const shown = [...sides];
    await Promise.all(loading);
    if (shown.some((one, i) => one !== sides[i])) return;  // other models are in view
    this.#map();
    if (this.wanted.size) this.#read(this.wanted);
    this.wanted = new URLSearchParams();
  }

  reflect() {
    for (const panel of this.panels) panel.reflect();
  }

  /** Both at the seed. */
  #restart() {
    if (!this.seed.validity.valid || this.seed.value === "") return;
    this.chart.place = null;
    this.chart.draw();
    for (const panel of this.panels) panel.start(Number(this.seed.value), this.select.value || null);
  }

  /** The side that has maps, and what is said where none has. */
  #map() {
    this.mapped = this.panels.findIndex(({ atlas }) => atlas?.maps.length);
    const encodes = this.pair.sides.some(({ about }) => about.encodes);
    const none = this.find(".nomap"), about = this.pair.sides[this.mapped]?.about;
    this.find(".mapping").hidden = !about;
    none.hidden = Boolean(about);
    none.textContent = encodes ? "No held-out pictures of this data set are at hand, so there is no map."
      : "Neither of these models has an encoder, so there is no map.";
    if (!about) return;
    const { maps } = this, names = about.class_names;
    this.find(".reading").hidden = maps.length < 2;
    this.find(".reading").replaceChildren(...maps.map((map, i) => {
      const text = map.label === null ? "Each read as what it is" : `All read as “${names[map.label]}”`;
      return radio(text, i === 0, () => this.#chart(map));
    }));
    this.find(".legend").replaceChildren(...names.map((name, i) => {
      const entry = document.createElement("span");
      entry.style.setProperty("--dot", colourOf(i, names.length));
      entry.textContent = name;
      return entry;
    }));
    this.#chart(maps[0]);
  }

  /** @param {Chart} map */
  #chart(map) {
    const { about } = this.pair.sides[this.mapped ?? 0], told = map.label === null;
    this.chart.show(map, about.class_names.length);
    const dots = "Each dot is a picture that no model was trained on, where the encoder puts it: the two "
      + "widest directions of all of them (PCA). Click or drag, and both models draw the place.";
    const classes = !about.num_classes ? "This model was never told a class."
      : told ? "The model is told the class of each, so its latent need not hold it: the colours mix."
        : "Where all are read as one class, the latent has to hold what they are: the colours part.";
    const other = "A model without an encoder has no such map. It gets the same two numbers along its own "
      + "first two directions, which mean something else there.";
    this.find(".about").textContent = [dots, classes, other].join(" ");
  }

  /** @param {[number, number]} place */
  #wander(place) {
    const map = this.chart.chart, index = this.mapped ?? 0;
    if (!map) return;
    const { about } = this.pair.sides[index], { spread } = this.chart;
    const label = map.label ?? this.chart.nearest(place), name = about.class_names[label] ?? null;
    this.panels.forEach((panel, i) => {
      if (i === index) panel.place({ z: latentAt(map, place), label });
      else panel.shift(place.map((value, k) => value / spread[k]), name);
    });
  }
}

/** @param {string} text @param {boolean} checked @param {() => void} take */
function radio(text, checked, take) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "reading", checked });
  input.addEventListener("change", take);
  label.append(input, text);
  return label;
}
