/**
 * The fourth view: a digit drawn by hand, and the VAE's answer to every stroke. The encoder wants to
 * know the class; where nobody says it, the class that reconstructs best is taken, which is a
 * classifier for nothing.
 */

import { Pad } from "./pad.js";
import { paint } from "./pictures.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./side.js").Side} Side
 */

export class Draw {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    const [pad, answer] = [...element.querySelectorAll("canvas")];
    this.answer = answer;
    this.words = /** @type {HTMLElement} */ (element.querySelector(".reading"));
    const [, height, width] = stage.sides[0].about.image_shape;
    this.pad = new Pad(pad, height, width, () => { this.shown = ""; });
    this.shown = "";
    this.busy = false;
    /** The digit that the answer was read as. */
    this.read = /** @type {number | null} */ (null);
    element.addEventListener("click", (event) => {
      const act = /** @type {HTMLElement} */ (event.target).dataset.act;
      if (act === "clear") this.pad.clear();
      if (act === "undo") this.pad.undo();
      if (act === "example") this.#example();
    });
  }

  /** The side that encodes, if one does. */
  get side() {
    return this.stage.sides.find(({ about }) => about.files.encoder);
  }

  tick() {
    this.show();
  }

  async show() {
    const side = this.side;
    if (!side) {
      this.words.textContent = "Neither model here has an encoder: choose a VAE on one side.";
      return;
    }
    const wanted = `${side.about.name},${this.stage.state.digit},drawn`;
    if (this.busy || wanted === this.shown) return;
    this.shown = wanted;
    if (this.pad.empty) {
      this.read = null;
      paint(this.answer, new Uint8Array(this.pad.pixels.length), [1, this.pad.height, this.pad.width]);
      this.words.textContent = "Draw a digit on the left.";
      return;
    }
    this.busy = true;
    const known = await this.#reconstruct(side);
    this.busy = false;
    if (known) {
      paint(this.answer, known.pixels, side.about.image_shape, known.label);
      this.read = known.digit;
      this.words.textContent = this.stage.state.digit === null
        ? `The VAE takes it for ${side.about.class_names[known.digit] ?? known.digit}.`
        : "";
    } else if (side.gone) {
      this.words.textContent = "The encoder could not be loaded.";
    }
    this.stage.moved();
  }

  /**
   * The drawing as the VAE knows it, for each label in question; `label` is the best one's place.
   * @param {Side} side
   */
  async #reconstruct(side) {
    const drawing = this.pad.pixels, { digit } = this.stage.state;
    const classes = side.about.num_classes || 1;
    const labels = digit === null ? Array.from({ length: classes }, (_, i) => i) : [digit];
    const copies = new Uint8Array(labels.length * drawing.length);
    labels.forEach((_, i) => copies.set(drawing, i * drawing.length));
    this.words.textContent ||= "Fetching the encoder …";
    const z = await side.encode(copies, labels, "draw");
    if (!z) return null;
    const dim = side.about.latent_dim;
    const latents = labels.map((label, i) => ({ z: z.slice(i * dim, (i + 1) * dim), label }));
    const pixels = await side.draw(latents, { digit: null, truncation: 1 }, "draw");
    if (!pixels) return null;
    const errors = labels.map((_, i) => drawing.reduce(
      (sum, value, p) => sum + (value - pixels[i * drawing.length + p]) ** 2, 0,
    ));
    const label = errors.indexOf(Math.min(...errors));
    return { pixels, label, digit: labels[label] };
  }

  /** A picture by the side that cannot encode, for the one that can. */
  async #example() {
    const { sides, state } = this.stage;
    const side = sides.find((one) => one !== this.side && one.awake) ?? this.side;
    const seed = Math.floor(Math.random() * 1000);
    const latent = side?.plane.seed(seed);
    const pixels = side && latent && await side.draw([latent], state, "example");
    if (pixels) this.pad.replace(pixels.slice(0, this.pad.pixels.length));
  }
}
