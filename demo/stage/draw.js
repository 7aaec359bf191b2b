/**
 * The fourth view: a picture drawn by hand, and the VAE's answer to every stroke. The encoder wants to
 * know the class; where nobody says it, the class that explains the drawing best is taken, which
 * makes the VAE a reader as well.
 */

import { EXAMPLES } from "./examples.js";
import { frameOf, reframe, whole } from "./frame.js";
import { Pad } from "./pad.js";
import { paint } from "./pictures.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./side.js").Side} Side
 */

// Grey levels: what weighs a wrong pixel against an unlikely latent. So 290 of MNIST's first 300 test
// digits are read right; by the pixels alone, 262.
const DEVIATION = 40;
// Sets whose makers framed their pictures as MNIST's did. Of others a drawing is taken as it stands.
const FRAMED = ["mnist"];

export class Draw {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    const [pad, answer] = [...element.querySelectorAll("canvas")];
    this.answer = answer;
    this.words = /** @type {HTMLElement} */ (element.querySelector(".reading"));
    this.pad = new Pad(pad, 28, 28, () => { this.shown = ""; });
    this.shown = "";
    this.busy = false;
    /** The class that the answer was read as. */
    this.read = /** @type {number | null} */ (null);
    element.addEventListener("click", (event) => {
      const act = /** @type {HTMLElement} */ (event.target).dataset.act;
      if (act === "clear") this.pad.clear();
      if (act === "undo") this.pad.undo();
      if (act === "example") this.#example();
    });
    const examples = /** @type {HTMLElement} */ (element.querySelector(".examples"));
    for (const [name, strokes] of Object.entries(EXAMPLES)) {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      Object.assign(button, { type: "button", title: name });
      button.setAttribute("aria-label", `Draw ${name}`);
      new Pad(canvas, 28, 28, () => {}).draw(strokes);
      button.append(canvas);
      button.addEventListener("click", () => this.pad.draw(strokes));
      examples.append(button);
    }
  }

  /** The side that encodes grey pictures, if one does. */
  get side() {
    return this.stage.sides.find(({ about, encodes }) => encodes && about.image_shape[0] === 1);
  }

  tick() {
    this.show();
  }

  async show() {
    const side = this.side;
    if (!side) {
      this.words.textContent = "Neither model here encodes grey drawings: choose a VAE of grey pictures.";
      return;
    }
    const [, height, width] = side.about.image_shape;
    this.pad.fit(height, width);
    const wanted = `${side.about.name},${this.stage.state.chosen},drawn`;
    if (this.busy || wanted === this.shown) return;
    this.shown = wanted;
    if (this.pad.empty) {
      this.read = null;
      paint(this.answer, new Uint8Array(this.pad.pixels.length), [1, this.pad.height, this.pad.width]);
      this.words.textContent = "Draw on the left.";
      return;
    }
    this.busy = true;
    const known = await this.#reconstruct(side).catch((error) => {
      console.info(`${side.about.name}: ${error}`);
      this.words.textContent = "The encoder could not be loaded; the next stroke tries again.";
      return null;
    });
    this.busy = false;
    if (known) {
      paint(this.answer, known.pixels, side.about.image_shape);
      this.read = known.label;
      this.words.textContent = this.stage.state.chosen === null
        && side.classes.length ? `The VAE takes it for ${side.classes[known.label]}.` : "";
    }
    this.stage.moved();
  }

  /**
   * The drawing as the VAE knows it, of the label that explains it best.
   * @param {Side} side
   */
  async #reconstruct(side) {
    const { height, width } = this.pad, { chosen } = this.stage.state;
    const frame = FRAMED.includes(side.about.data) ? frameOf(this.pad.pixels, height, width)
      : whole(height, width);
    const drawing = reframe(this.pad.pixels, height, width, frame);
    const all = Array.from({ length: side.classes.length || 1 }, (_, label) => label);
    const label = side.label(-1, chosen);
    const labels = label < 0 ? all : [label];
    const copies = new Uint8Array(labels.length * drawing.length);
    labels.forEach((_, i) => copies.set(drawing, i * drawing.length));
    if (!this.read) this.words.textContent = "Fetching the encoder …";
    const z = await side.encode(copies, labels, "draw");
    if (!z) return null;
    const dim = side.about.latent_dim;
    const latents = labels.map((label, i) => ({ z: z.slice(i * dim, (i + 1) * dim), label }));
    const pixels = await side.draw(latents, { chosen: null, truncation: 1 }, "draw");
    if (!pixels) return null;
    const costs = latents.map((latent, i) => {
      const error = drawing.reduce(
        (sum, value, p) => sum + (value - pixels[i * drawing.length + p]) ** 2, 0,
      );
      return error / DEVIATION ** 2 + latent.z.reduce((sum, value) => sum + value ** 2, 0);
    });
    const best = costs.indexOf(Math.min(...costs));
    const answer = pixels.slice(best * drawing.length, (best + 1) * drawing.length);
    return { pixels: reframe(answer, height, width, frame, true), label: labels[best] };
  }

  /** A picture by the side that cannot encode, for the one that can. */
  async #example() {
    const { sides, state } = this.stage;
    const side = sides.find((one) => one !== this.side && one.awake) ?? this.side;
    const seed = Math.floor(Math.random() * 1000);
    const latent = side?.plane.seed(seed);
    const pixels = side && latent && await side.draw([latent], state, "example");
    if (pixels && side.about.image_shape.join() === [1, this.pad.height, this.pad.width].join()) {
      this.pad.replace(pixels);
    }
  }
}
