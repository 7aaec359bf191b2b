/** In the tab Reconstruct: a picture, and what both models make of it. */

import { bytes } from "./call.js";
import { AS_IT_IS } from "./latents.js";
import { packed, unpacked } from "./packed.js";
import { call, SERVER } from "./pair.js";
import { blank, paint } from "./pictures.js";
import { read } from "./reader.js";
import { seek, showSearching } from "./seeker.js";

/**
 * @typedef {import("./back.js").Back} Back
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {import("./pictures.js").Shape} Shape
 * @typedef {{file: string, pixels?: Uint8Array, shape?: Shape, words: string, index?: number}} Source
 *   `file`: base64 of a picture's file; of a held-out one its pixels too, and which it is
 * @typedef {{pixels: Uint8Array, shape: Shape}} Fitted  as a model takes pictures
 */

export class Row {
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
    this.taking = {};
  }

  /** Throws in words where the server cannot use the picture; the old one then stays. @param {Source} source */
  async take(source) {
    const { sides } = this.back.pair, taking = {};
    this.taking = taking;
    const fitted = await Promise.all(sides.map((side) => this.#fit(source, side.about)));
    if (this.taking !== taking) return;  // another was chosen, or other models, meanwhile
    this.source = source;
    paint(this.canvas, fitted[0].pixels, fitted[0].shape);
    this.words.textContent = source.words;
    this.canvas.setAttribute("aria-label", source.words);
    this.cells.forEach((one, i) => one.take(fitted[i]));
  }

  /** Other models are in view: what those before answered goes. */
  clear() {
    this.taking = {};
    for (const one of this.cells) one.take(null);
  }

  /**
   * @param {Source} source @param {import("./engine.js").About} about @returns {Promise<Fitted>}
   */
  async #fit({ file, pixels, shape, index }, about) {
    if (pixels && shape?.join() === about.image_shape.join()) return { pixels, shape };
    const found = await call("fit", about.name, file);
    const [, ...own] = found.shape, drawn = bytes(found.pixels);
    const swapped = index === undefined && this.back.swap.checked;
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
    this.retry = /** @type {HTMLElement} */ (figure.querySelector(".retry"));
    this.retry.addEventListener("click", () => this.side.retry());
  }

  get side() {
    return this.back.pair.sides[this.index];
  }

  /** @param {Fitted | null} fitted */
  take(fitted) {
    this.#stop();
    this.fitted = fitted;
    this.latent = null;
    this.asked = false;
    this.words.textContent = "";
    blank(this.canvas, this.side.about.image_shape);
    this.canvas.setAttribute("aria-label", "Nothing yet");
    this.ask();
    this.back.ways[this.index].restart();
  }

  /** Which of its pictures it is, in requests. */
  get lane() {
    return `back ${this.back.rows.findIndex((row) => row.cells.includes(this))}`;
  }

  /** What a link says of a search's end, which nobody wants to repeat; nothing of an encoder's. */
  get found() {
    const { latent, side } = this;
    return latent && !side.encodes ? `${latent.label}.${packed(latent.z)}` : "";
  }

  /** The end of a search, from a link. @param {string} text */
  async recall(text) {
    const { fitted, side } = this, { latent_dim: size, num_classes: classes } = side.about;
    const [number, z = ""] = text.split("."), label = Number(number), latent = unpacked(z, size);
    if (!latent || side.encodes || !(label >= 0 && label < Math.max(1, classes) && label % 1 === 0)) return;
    const pixels = await side.draw([{ z: latent, label }], AS_IT_IS, this.lane);
    if (!pixels || fitted !== this.fitted || side !== this.side || this.search) return;
    this.#found(pixels, { z: latent, label });
    this.back.ways[this.index].restart();
  }

  /** Let the encoder answer, if there is one; else offer the search. */
  async ask() {
    const { fitted, side } = this;
    this.button.hidden = side.encodes || !fitted;
    this.retry.hidden = !side.gone;
    if (!fitted || this.asked || this.latent || this.search) return;
    if (side.gone || !side.encodes) {
      this.words.textContent = side.gone ? side.words : "It has no encoder: search for its nearest.";
      return;
    }
    this.asked = true;
    this.words.textContent = "Encoding …";
    const stale = () => fitted !== this.fitted || side !== this.side;
    try {
      const found = await read(side, fitted.pixels, null, this.lane);
      if (stale()) return;
      this.asked = Boolean(found);  // else once more, as soon as the side is awake
      if (!found) return;
      this.#found(found.pixels, found);
      this.back.ways[this.index].restart();
    } catch (error) {
      if (stale()) return;
      this.asked = false;
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
    showSearching(this, true);
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
    showSearching(this, false);
  }
}

/** The root mean square difference of two pictures. @param {Uint8Array} a @param {Uint8Array} b */
function rms(a, b) {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
}
