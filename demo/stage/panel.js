/** In the tab Latent space, one model: its picture, its sliders, its grid. */

import { coordinates, moved } from "./directions.js";
import { AS_IT_IS } from "./latents.js";
import { call } from "./pair.js";
import { paint, paintSheet } from "./pictures.js";

/**
 * @typedef {import("./chart.js").Chart} Chart
 * @typedef {import("./address.js").Pairs} Pairs
 * @typedef {import("./pair.js").Pair} Pair
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {{vector: number[], name: string | null, correlation: number | null}} Axis
 * @typedef {{reach: number, directions: Axis[], maps: Chart[]}} Atlas  of demo/atlas.py
 */

const GRID = [-2, -1, 0, 1, 2];  // standard deviations
const REST_MS = 150;  // from the last movement of a hand to the grid

export class Panel {
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
    this.retry = /** @type {HTMLElement} */ (figure.querySelector(".retry"));
    this.retry.addEventListener("click", () => this.side.retry());
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
    /** @type {number[]} */
    this.unmoved = [];  // and before anybody moved them
    this.note = "";
    this.drawing = false;
    this.failed = false;  // the last picture was not drawn
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
      if (this.known !== about.name) return;
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
    this.retry.hidden = !this.side.gone;
    if (this.failed && this.side.awake) this.#changed();
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
    this.unmoved = this.at.slice();
    this.#changed();
  }

  /** Other coordinates along the first directions. @param {number[]} places @param {string | null} chosen */
  shift(places, chosen) {
    if (!this.base) return;
    this.base = { ...this.base, label: this.side.label(this.base.label, chosen) };
    places.forEach((value, k) => { if (k < this.at.length) this.at[k] = this.unmoved[k] = value; });
    this.#changed();
  }

  /** What a link says of it: the sliders that somebody moved, the grid's directions. @returns {Pairs} */
  get query() {
    const which = this.figure.dataset.side;
    const places = this.at.map((value, k) => (value === this.unmoved[k] ? "" : String(value)));
    const axes = this.axes.map(({ value }) => value).join();
    /** @type {Pairs} */
    const query = [];
    if (places.some(Boolean)) query.push([`${which}at`, places.join()]);
    if (axes !== "0,1") query.push([`${which}grid`, axes]);
    return query;
  }

  /** What a link says, as far as it can be understood. @param {URLSearchParams} query */
  read(query) {
    const which = this.figure.dataset.side, { reach = 0 } = this.atlas ?? {};
    const places = (query.get(`${which}at`) ?? "").split(",");
    const axes = (query.get(`${which}grid`) ?? "").split(",");
    this.at = this.at.map((value, k) => {
      const wanted = places[k] ? Number(places[k]) : NaN;
      return Math.abs(wanted) <= reach ? wanted : value;
    });
    this.axes.forEach((axis, k) => {
      if ([...axis.options].some(({ value }) => value === axes[k])) axis.value = axes[k];
    });
    this.#changed();
  }

  #build() {
    const { reach = 2.5, directions = [] } = this.atlas ?? {};
    const titles = directions.map(({ name }, k) => name ?? `Direction ${k + 1}`);
    this.sliders.replaceChildren(...directions.map(({ correlation }, k) => {
      const label = document.createElement("label"), input = document.createElement("input");
      const name = document.createElement("span"), value = document.createElement("span");
      value.className = "value";  // no output: the label would be that one's
      name.textContent = titles[k];
      if (correlation !== null) {
        const small = document.createElement("small");
        small.textContent = `r ${correlation.toFixed(2)}`;
        name.append(" ", small);
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
      const [input, value] = [label.querySelector("input"), label.querySelector(".value")];
      const text = `${this.at[k] < 0 ? "−" : "+"}${Math.abs(this.at[k]).toFixed(1)}σ`;
      if (input && input.getRootNode() instanceof ShadowRoot) {
        input.value = String(this.at[k]);
        input.setAttribute("aria-valuetext", text);
      }
      if (value) value.textContent = text;
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
      const pixels = await side.draw([latent], AS_IT_IS, "space");
      if (side !== this.side) continue;  // another model has taken its place
      this.failed = !pixels;
      if (pixels) paint(this.canvas, pixels, side.about.image_shape);
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
    const pixels = await side.draw(latents, AS_IT_IS, "grid");
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
