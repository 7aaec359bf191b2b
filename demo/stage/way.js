/** In the tab Reconstruct: the way between two pictures in one model's latent space. */

import { AS_IT_IS, INTERPOLATIONS } from "./latents.js";
import { blank, paint, paintSheet } from "./pictures.js";

/**
 * @typedef {import("./back.js").Back} Back
 * @typedef {import("./latents.js").Latent} Latent
 */

const FRAMES = 7;  // of a strip

export class Way {
  /** @param {Back} back @param {number} index @param {HTMLElement} figure */
  constructor(back, index, figure) {
    this.back = back;
    this.index = index;
    const [canvas, strip] = [...figure.querySelectorAll("canvas")];
    this.canvas = canvas;
    this.strip = strip;
    /** @type {[Latent, Latent] | null} */
    this.shown = null;
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
    const { ends } = this, side = this.back.pair.sides[this.index];
    const missing = this.back.ways.filter((way) => !way.ends).length;
    this.back.find(".way").textContent = missing
      ? "A model draws the way once it has an answer to both pictures." : "";
    this.shown = ends;
    if (!ends) {
      const [channels, height, width] = side.about.image_shape;
      blank(this.canvas, [channels, height, width]);
      blank(this.strip, [channels, height, FRAMES * (width + 1) - 1]);
      return;
    }
    this.draw();
    const weights = Array.from({ length: FRAMES }, (_, i) => i / (FRAMES - 1));
    const pixels = await side.draw(weights.map((weight) => on(ends, weight)), AS_IT_IS, "strip");
    if (pixels && ends === this.shown) paintSheet(this.strip, pixels, side.about.image_shape, FRAMES);
  }

  /** The picture at the slider; while one is being drawn, the newest waits. */
  async draw() {
    this.again = true;
    if (this.drawing) return;
    this.drawing = true;
    while (this.again && this.shown) {
      this.again = false;
      const { shown } = this, side = this.back.pair.sides[this.index];
      const pixels = await side.draw([on(shown, Number(this.back.at.value))], AS_IT_IS, "way");
      if (pixels && shown === this.shown) paint(this.canvas, pixels, side.about.image_shape);
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
