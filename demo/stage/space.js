/**
 * The tab Explore: the latent space of both models by the directions along which their pictures
 * change most, as sliders; a grid over two of them; and the encoder's map of held-out pictures.
 */

import { ChartView, colourOf } from "./chart.js";
import { coordinates, latentAt, moved } from "./directions.js";
import { call, pairOf, within } from "./pair.js";
import { paint, paintSheet } from "./pictures.js";
import { LAST_SEED } from "./plane.js";

/**
 * @typedef {import("./chart.js").Chart} Chart
 * @typedef {import("./pair.js").Pair} Pair
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {{vector: number[], name: string | null, correlation: number | null}} Axis
 * @typedef {{reach: number, directions: Axis[], maps: Chart[]}} Atlas  of demo/atlas.py
 */

const GRID = [-2, -1, 0, 1, 2];  // standard deviations
const REST_MS = 150;  // from the last movement of a hand to the grid
const LOOK = { chosen: null, truncation: 1 };  // a latent brings its label

const side = (/** @type {string} */ which) => `<figure data-side="${which}">
  <canvas class="picture" width="28" height="28" role="img" aria-label="The picture of the ${which} model"></canvas>
  <figcaption><span class="name"></span><span class="words" role="status"></span></figcaption>
  <div class="sliders" role="group"></div></figure>`;
const grid = (/** @type {string} */ which) => `<figure data-side="${which}">
  <div class="row axes"><label>Across <select name="across"></select></label>
    <label>Down <select name="down"></select></label></div>
  <canvas class="grid" width="144" height="144" role="img"></canvas></figure>`;

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
<h3>A grid over two directions</h3>
<div class="sides">${grid("left")}${grid("right")}</div>
<p class="aside">From −2σ to 2σ each way. Click a picture to go there.</p>
<h3>The encoder's map</h3>
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
  }

  /** @param {string} left @param {string} right */
  async show(left, right) {
    this.pair.show(left, right);
    const { classes } = this.pair, { value } = this.select;
    this.select.replaceChildren(new Option("any", ""), ...classes.map((name) => new Option(name)));
    this.select.value = classes.includes(value) ? value : "";
    this.find(".class").hidden = !classes.length;
    this.find(".nomap").textContent = "The latent spaces are being looked at …";
    this.#restart();
    await Promise.all(this.panels.map((panel) => panel.load()));
    this.#map();
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
    const maps = this.panels[this.mapped].atlas?.maps ?? [], names = about.class_names;
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

/** One model: its picture, its sliders, its grid. */
class Panel {
  /**
   * @param {Pair} pair @param {number} index @param {HTMLElement} figure @param {HTMLElement} grid
   */
  constructor(pair, index, figure, grid) {
    this.pair = pair;
    this.index = index;
    this.figure = figure;
    this.sliders = /** @type {HTMLElement} */ (figure.querySelector(".sliders"));
    this.words = /** @type {HTMLElement} */ (figure.querySelector(".words"));
    this.canvas = /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas"));
    this.gridFigure = grid;
    this.grid = /** @type {HTMLCanvasElement} */ (grid.querySelector("canvas"));
    this.axes = [...grid.querySelectorAll("select")];
    /** @type {Atlas | null} */
    this.atlas = null;
    this.known = "";  // the model whose atlas it is, or is being asked for
    /** @type {Latent | null} */
    this.base = null;
    /** @type {number[]} */
    this.at = [];  // the coordinates that the sliders say
    this.note = "";
    this.drawing = false;
    this.again = false;
    this.later = 0;
    for (const axis of this.axes) axis.addEventListener("change", () => this.#sheet());
    this.grid.addEventListener("click", (event) => {
      const cell = this.grid.clientWidth / GRID.length;
      const tile = [event.offsetX, event.offsetY].map((at) => GRID[Math.min(4, Math.floor(at / cell))]);
      this.axes.forEach((axis, k) => { this.at[Number(axis.value)] = tile[k]; });
      this.#changed();
    });
  }

  get side() {
    return this.pair.sides[this.index];
  }

  get vectors() {
    return this.atlas?.directions.map(({ vector }) => vector) ?? [];
  }

  /** The model's atlas, and its sliders. */
  async load() {
    const { about } = this.side;
    if (this.known === about.name) return;
    this.known = about.name;
    this.atlas = null;
    this.#build();
    try {
      const atlas = await call("atlas", about.name);
      if (this.known !== about.name) return;  // another model has taken its place
      this.atlas = atlas;
      this.note = "";
    } catch (error) {
      this.known = "";
      this.note = /** @type {Error} */ (error).message;
    }
    this.#build();
    if (this.base) this.place(this.base);
    this.reflect();
  }

  reflect() {
    if (!this.side) return;
    const { about, words } = this.side;
    for (const figure of [this.figure, this.gridFigure]) figure.dataset.kind = about.role;
    /** @type {HTMLElement} */ (this.figure.querySelector(".name")).textContent = about.name;
    this.words.textContent = this.note || words;
    this.sliders.setAttribute("aria-label", `Directions of ${about.name}`);
  }

  /** @param {number} seed @param {string | null} chosen */
  start(seed, chosen) {
    const { z, label } = this.side.plane.seed(seed);
    this.place({ z, label: this.side.label(label, chosen) });
  }

  /** Go to a latent; the sliders say where that is. @param {Latent} latent */
  place(latent) {
    this.base = latent;
    this.at = coordinates(latent.z, this.vectors);
    this.#changed();
  }

  /** Other coordinates along the first directions. @param {number[]} places @param {string | null} chosen */
  shift(places, chosen) {
    if (!this.base) return;
    this.base = { ...this.base, label: this.side.label(this.base.label, chosen) };
    places.forEach((value, k) => { if (k < this.at.length) this.at[k] = value; });
    this.#changed();
  }

  #build() {
    const { reach = 2.5, directions = [] } = this.atlas ?? {};
    const titles = directions.map(({ name }, k) => name ?? `Direction ${k + 1}`);
    this.sliders.replaceChildren(...directions.map(({ correlation }, k) => {
      const label = document.createElement("label"), input = document.createElement("input");
      const name = document.createElement("span"), value = document.createElement("output");
      name.textContent = titles[k];
      if (correlation !== null) {
        const small = document.createElement("small");
        small.textContent = ` r ${correlation.toFixed(2)}`;
        name.append(small);
      }
      Object.assign(input, { type: "range", min: -reach, max: reach, step: 0.05 });
      input.addEventListener("input", () => {
        this.at[k] = Number(input.value);
        this.#changed();
      });
      label.append(name, value, input);
      return label;
    }));
    this.axes.forEach((axis, k) => {
      axis.replaceChildren(...titles.map((title, i) => new Option(title, String(i))));
      axis.value = String(Math.min(k, titles.length - 1));
    });
  }

  /** Show where the sliders are, draw that, and soon the grid around it. */
  #changed() {
    this.sliders.querySelectorAll("label").forEach((label, k) => {
      const [input, output] = [label.querySelector("input"), label.querySelector("output")];
      const text = `${this.at[k] < 0 ? "−" : "+"}${Math.abs(this.at[k]).toFixed(1)}σ`;
      if (input && input.getRootNode() instanceof ShadowRoot) {
        input.value = String(this.at[k]);
        input.setAttribute("aria-valuetext", text);
      }
      if (output) output.textContent = text;
    });
    this.#draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.#sheet(), REST_MS);
  }

  /** The picture; while one is being drawn, the newest waits. */
  async #draw() {
    this.again = true;
    if (this.drawing) return;
    this.drawing = true;
    while (this.again && this.base) {
      this.again = false;
      const { side } = this, latent = this.#moved(this.at);
      const pixels = await side.draw([latent], LOOK, "space");
      if (pixels && side === this.side) paint(this.canvas, pixels, side.about.image_shape);
    }
    this.drawing = false;
  }

  async #sheet() {
    if (!this.base || !this.vectors.length) return;
    const { side } = this, [across, down] = this.axes.map((axis) => Number(axis.value));
    const latents = GRID.flatMap((y) => GRID.map((x) => {
      const places = this.at.slice();
      places[down] = y;
      places[across] = x;
      return this.#moved(places);
    }));
    const pixels = await side.draw(latents, LOOK, "grid");
    if (!pixels || side !== this.side) return;
    paintSheet(this.grid, pixels, side.about.image_shape, GRID.length);
    const [a, b] = this.axes.map((axis) => axis.selectedOptions[0]?.text);
    this.grid.setAttribute("aria-label", `25 pictures, ${a} across, ${b} down`);
  }

  /** @param {number[]} places @returns {Latent} */
  #moved(places) {
    const { z, label } = /** @type {Latent} */ (this.base);
    return { z: moved(z, this.vectors, places), label };
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
