/**
 * The tab Reconstruct: two pictures, each through both models and back, and the way between them. A
 * model that encodes answers at once; of another the nearest picture is searched for on the server.
 */

import { INTERPOLATIONS } from "./latents.js";
import { bytes, call, pairOf, SERVER, within } from "./pair.js";
import { paint, paintSheet } from "./pictures.js";
import { read } from "./reader.js";
import { seek } from "./seeker.js";

/**
 * @typedef {import("./pair.js").Pair} Pair
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {import("./pictures.js").Shape} Shape
 * @typedef {{file: string, pixels?: Uint8Array, shape?: Shape, words: string, uploaded?: boolean}} Source
 *   `file`: base64 of a picture's file; `pixels` where they are those of a data set
 * @typedef {{pixels: Uint8Array, shape: Shape}} Fitted  as a model takes pictures
 */

const MOST_BYTES = 4 * 2 ** 20;  // of a file, as the server has it
const FRAMES = 7;  // of a strip
const LOOK = { chosen: null, truncation: 1 };
const ROWS = ["First picture", "Second picture"];

const cell = (/** @type {string} */ which) => `<figure data-side="${which}" class="cell">
  <canvas class="picture" width="28" height="28" role="img"></canvas>
  <figcaption><span class="name"></span></figcaption>
  <p class="reading error" role="status"></p>
  <div class="row"><button type="button" data-act="seek" hidden>Search</button>
    <progress aria-label="Search" hidden></progress></div></figure>`;
const between = (/** @type {string} */ which) => `<figure data-side="${which}">
  <canvas class="picture" width="28" height="28" role="img" aria-label="On the way, ${which} model"></canvas>
  <canvas class="strip" width="202" height="28" role="img" aria-label="The way, ${which} model"></canvas>
  <figcaption><span class="name"></span></figcaption></figure>`;

const TEMPLATE = `
<p class="lead">A picture goes into a model's latent space and comes out again. What is lost on the way, the
  model cannot say. A <b data-kind="variational">VAE</b> has an encoder for the way in; in a
  <b data-kind="adversarial">GAN</b> the latent has to be searched for.</p>
<div class="row choosing" role="radiogroup" aria-label="Which picture to choose">
  ${ROWS.map((name, i) => `<label><input type="radio" name="slot" value="${i}" ${i ? "" : "checked"}>
    ${name}</label>`).join("")}
  <label class="upload"><span>Choose a file</span><input type="file" accept="image/*" aria-label="Choose a file"></label>
  <label><input type="checkbox" name="swap"> Swap light and dark</label>
</div>
<p class="said" role="alert"></p>
<div class="held" role="group" aria-label="Held-out pictures"></div>
<p class="aside heldwords"></p>
${ROWS.map((name) => `<section class="board"><figure class="original"><canvas class="picture" width="28"
  height="28" role="img"></canvas><figcaption>${name}</figcaption><p class="reading"></p></figure>
  ${cell("left")}${cell("right")}</section>`).join("")}
<p class="aside">The error is the root mean square difference, in grey levels of 255; PSNR says the same in
  decibels. A file is decoded in the server's memory and not kept.</p>
<h3>The way between the two</h3>
<p class="aside way" role="status"></p>
<div class="row wide"><input name="at" type="range" min="0" max="1" step="0.01" value="0.5"
  aria-label="From the first picture to the second"></div>
<div class="sides">${between("left")}${between("right")}</div>`;

/** @param {import("./pair.js").Facts} facts @param {HTMLElement} place */
export async function begin(facts, place) {
  return new Back(pairOf(facts), await within(place, TEMPLATE));
}

class Back {
  /** @param {Pair} pair @param {HTMLElement} element */
  constructor(pair, element) {
    this.pair = pair;
    this.element = element;
    this.shown = "";
    this.find = (/** @type {string} */ selector) => (
      /** @type {HTMLElement} */ (element.querySelector(selector))
    );
    const boards = [...element.querySelectorAll(".board")];
    this.ways = [...element.querySelectorAll("figure:has(.strip)")].map(
      (figure, i) => new Way(this, i, /** @type {HTMLElement} */ (figure)),
    );
    this.rows = boards.map((board) => new Row(this, /** @type {HTMLElement} */ (board)));
    this.at = /** @type {HTMLInputElement} */ (this.find("[name=at]"));
    this.at.addEventListener("input", () => this.ways.forEach((way) => way.draw()));
    this.swap = /** @type {HTMLInputElement} */ (this.find("[name=swap]"));
    this.swap.addEventListener("change", () => {
      if (this.row.source?.uploaded) this.row.take(this.row.source);
    });
    const file = /** @type {HTMLInputElement} */ (this.find("[type=file]"));
    file.addEventListener("change", () => {
      if (file.files?.[0]) this.upload(file.files[0]);
      file.value = "";
    });
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      const [dropped] = event.dataTransfer?.files ?? [];
      if (dropped) this.upload(dropped);
    });
    pair.listeners.add(() => this.reflect());
  }

  /** The row that a picture is being chosen for. */
  get row() {
    const chosen = /** @type {HTMLInputElement} */ (this.find("[name=slot]:checked"));
    return this.rows[Number(chosen.value)];
  }

  /** @param {string} left @param {string} right */
  async show(left, right) {
    this.pair.show(left, right);
    if (this.shown === `${left},${right}`) return;
    this.shown = `${left},${right}`;
    const held = await this.#held();
    if (this.shown !== `${left},${right}`) return;
    this.#offer(held);
    this.rows.forEach((row, i) => {
      const source = row.source?.uploaded ? row.source : held[i] ?? row.source;
      if (source) row.take(source);
    });
    this.reflect();
  }

  reflect() {
    this.element.querySelectorAll("figure[data-side]").forEach((figure) => {
      const { dataset } = /** @type {HTMLElement} */ (figure);
      const side = this.pair.sides[dataset.side === "left" ? 0 : 1];
      if (!side) return;
      dataset.kind = side.about.role;
      const name = figure.querySelector(".name");
      if (name) name.textContent = side.about.name;
    });
    for (const row of this.rows) row.cells.forEach((one) => one.ask());
  }

  /** Held-out pictures of the first side that has some. @returns {Promise<Source[]>} */
  async #held() {
    for (const { about } of this.pair.sides) {
      const found = await call("held_out", about.name).catch(() => null);
      if (!found) continue;
      const [count, ...shape] = found.shape, all = bytes(found.pixels), size = all.length / count;
      return Array.from({ length: count }, (_, i) => {
        const canvas = document.createElement("canvas");
        const pixels = all.slice(i * size, (i + 1) * size);
        paint(canvas, pixels, shape);
        const name = about.class_names[found.labels[i]];
        return { file: canvas.toDataURL("image/png"), pixels, shape, words: name ?? "held out" };
      });
    }
    return [];
  }

  /** @param {Source[]} held */
  #offer(held) {
    this.find(".heldwords").textContent = held.length
      ? "These come from the part of the data set that no model was trained on."
      : "No held-out pictures of this data set are at hand: choose a file.";
    this.find(".held").replaceChildren(...held.map((source) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      button.type = "button";
      button.setAttribute("aria-label", `Take a held-out picture: ${source.words}`);
      if (source.pixels && source.shape) paint(canvas, source.pixels, source.shape);
      button.append(canvas);
      button.addEventListener("click", () => this.row.take(source));
      return button;
    }));
  }

  /** @param {File} file */
  async upload(file) {
    const say = (/** @type {string} */ words) => { this.find(".said").textContent = words; };
    say("");
    if (file.size > MOST_BYTES) {
      say("A picture may have 4 MB; make it smaller and try again.");
      return;
    }
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(file);
    });
    try {
      await this.row.take({ file: url, words: file.name, uploaded: true });
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  }
}

/** A picture, and what both models make of it. */
class Row {
  /** @param {Back} back @param {HTMLElement} board */
  constructor(back, board) {
    this.back = back;
    this.canvas = /** @type {HTMLCanvasElement} */ (board.querySelector(".original canvas"));
    this.words = /** @type {HTMLElement} */ (board.querySelector(".original .reading"));
    this.cells = [...board.querySelectorAll(".cell")].map(
      (figure, i) => new Cell(back, i, /** @type {HTMLElement} */ (figure)),
    );
    /** @type {Source | null} */
    this.source = null;
  }

  /** Throws in words where the server cannot use the picture; the old one then stays. @param {Source} source */
  async take(source) {
    const { sides } = this.back.pair;
    const fitted = await Promise.all(sides.map((side) => this.#fit(source, side.about)));
    this.source = source;
    paint(this.canvas, fitted[0].pixels, fitted[0].shape);
    this.words.textContent = source.words;
    this.canvas.setAttribute("aria-label", source.words);
    this.cells.forEach((one, i) => one.take(fitted[i]));
  }

  /**
   * @param {Source} source @param {import("./engine.js").About} about @returns {Promise<Fitted>}
   */
  async #fit({ file, pixels, shape, uploaded }, about) {
    if (pixels && shape?.join() === about.image_shape.join()) return { pixels, shape };
    const found = await call("fit", about.name, file);
    const [, ...own] = found.shape, drawn = bytes(found.pixels);
    const swapped = uploaded && this.back.swap.checked;
    return { pixels: swapped ? drawn.map((value) => 255 - value) : drawn, shape: own };
  }
}

/** What one model makes of one picture. */
class Cell {
  /** @param {Back} back @param {number} index @param {HTMLElement} figure */
  constructor(back, index, figure) {
    this.back = back;
    this.index = index;
    this.canvas = /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas"));
    this.words = /** @type {HTMLElement} */ (figure.querySelector(".reading"));
    this.button = /** @type {HTMLButtonElement} */ (figure.querySelector("[data-act=seek]"));
    this.progress = /** @type {HTMLProgressElement} */ (figure.querySelector("progress"));
    /** @type {Fitted | null} */
    this.fitted = null;
    /** @type {Latent | null} */
    this.latent = null;
    this.asked = false;
    this.search = /** @type {AbortController | null} */ (null);
    this.button.addEventListener("click", () => (this.search ? this.#stop() : this.seek()));
  }

  get side() {
    return this.back.pair.sides[this.index];
  }

  /** @param {Fitted} fitted */
  take(fitted) {
    this.#stop();
    this.fitted = fitted;
    this.latent = null;
    this.asked = false;
    paint(this.canvas, new Uint8Array(fitted.pixels.length), fitted.shape);
    this.canvas.setAttribute("aria-label", "Nothing yet");
    this.ask();
    this.back.ways[this.index].restart();
  }

  /** Let the encoder answer, if there is one; else offer the search. */
  async ask() {
    const { fitted, side } = this;
    if (!fitted || this.asked) return;
    this.button.hidden = side.encodes;
    if (!side.encodes) {
      if (!this.search && !this.latent) this.words.textContent = "It has no encoder: search for its nearest.";
      return;
    }
    this.asked = true;
    this.words.textContent = "Encoding …";
    try {
      const found = await read(side, fitted.pixels, null, `back ${this.back.rows.findIndex(
        (row) => row.cells.includes(this),
      )}`);
      if (!found || fitted !== this.fitted || side !== this.side) return;
      this.#found(found.pixels, found);
      this.back.ways[this.index].restart();
    } catch (error) {
      this.words.textContent = `The encoder failed (${/** @type {Error} */ (error).message}).`;
    }
  }

  /** @param {Uint8Array} pixels @param {Latent} latent */
  #found(pixels, latent) {
    const { fitted, side } = this;
    if (!fitted) return;
    paint(this.canvas, pixels, fitted.shape);
    this.latent = latent;
    const name = side.classes[latent.label], error = rms(pixels, fitted.pixels);
    const ratio = error ? `${(20 * Math.log10(255 / error)).toFixed(1)} dB` : "∞";
    const words = [`Error ${error.toFixed(1)}`, `PSNR ${ratio}`, ...(name ? [`Taken for ${name}`] : [])];
    this.words.replaceChildren(...words.flatMap((text) => [text, document.createElement("br")]));
    this.canvas.setAttribute("aria-label", words.join(", "));
  }

  /** The server's search, shown as it goes. */
  async seek() {
    const { fitted, side } = this, search = new AbortController();
    if (!fitted) return;
    this.search = search;
    this.#searching(true);
    this.words.textContent = "Waiting for its turn …";
    try {
      for await (const part of seek(SERVER, side.about.name, fitted.pixels, null, search.signal)) {
        if (this.search !== search) return;
        this.progress.value = part.step / part.steps;
        this.#found(part.pixels, { z: Float32Array.from(part.z), label: part.label });
      }
      this.back.ways[this.index].restart();
    } catch (error) {
      if (this.search === search) this.words.textContent = `The search failed (${/** @type {Error} */ (error).message}).`;
    } finally {
      if (this.search === search) this.#stop();
    }
  }

  #stop() {
    this.search?.abort();
    this.search = null;
    this.#searching(false);
  }

  /** @param {boolean} going */
  #searching(going) {
    this.progress.hidden = !going;
    this.progress.value = 0;
    this.button.textContent = going ? "Stop" : "Search";
    this.words.ariaLive = going ? "off" : "polite";  // nobody wants each step read out
  }
}

/** The way between two pictures in one model's latent space. */
class Way {
  /** @param {Back} back @param {number} index @param {HTMLElement} figure */
  constructor(back, index, figure) {
    this.back = back;
    this.index = index;
    const [canvas, strip] = [...figure.querySelectorAll("canvas")];
    this.canvas = canvas;
    this.strip = strip;
    this.drawing = false;
    this.again = false;
  }

  /** Both ends' latents, once both are known. */
  get ends() {
    const ends = this.back.rows.map((row) => row.cells[this.index].latent);
    return ends[0] && ends[1] ? /** @type {[Latent, Latent]} */ (ends) : null;
  }

  /** An end is another, or gone. */
  async restart() {
    const { ends } = this, { side } = this.back.rows[0].cells[this.index];
    const missing = this.back.ways.filter((way) => !way.ends).length;
    this.back.find(".way").textContent = missing
      ? "A model draws the way once it has an answer to both pictures." : "";
    if (!ends) {
      const [, height, width] = side.about.image_shape, area = height * width;
      paint(this.canvas, new Uint8Array(area), [1, height, width]);
      paintSheet(this.strip, new Uint8Array(FRAMES * area), [1, height, width], FRAMES);
      return;
    }
    this.draw();
    const weights = Array.from({ length: FRAMES }, (_, i) => i / (FRAMES - 1));
    const pixels = await side.draw(weights.map((weight) => on(ends, weight)), LOOK, "strip");
    if (pixels) paintSheet(this.strip, pixels, side.about.image_shape, FRAMES);
  }

  /** The picture at the slider; while one is being drawn, the newest waits. */
  async draw() {
    this.again = true;
    if (this.drawing) return;
    this.drawing = true;
    while (this.again && this.ends) {
      this.again = false;
      const side = this.back.pair.sides[this.index];
      const pixels = await side.draw([on(this.ends, Number(this.back.at.value))], LOOK, "way");
      if (pixels) paint(this.canvas, pixels, side.about.image_shape);
    }
    this.drawing = false;
  }
}

/**
 * The latent on the great circle; the second's class takes over half-way.
 * @param {[Latent, Latent]} ends @param {number} weight @returns {Latent}
 */
function on([start, end], weight) {
  const z = INTERPOLATIONS.spherical(start.z, end.z, weight);
  return { z, label: (weight < 0.5 ? start : end).label };
}

/** The root mean square difference of two pictures. @param {Uint8Array} a @param {Uint8Array} b */
function rms(a, b) {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
}
