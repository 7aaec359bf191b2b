/** The third view: a path between two seeds, with a scrubber and a film strip. */

import { animatedPng } from "./animation.js";
import { animatedWebp, encodesWebp } from "./webp.js";
import { INTERPOLATIONS } from "./latents.js";
import { beside, context, download, paint, paintSheet } from "./pictures.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./side.js").Side} Side
 */

const FRAMES = 9;  // of the strip
const SECONDS = 3;  // from end to end at speed 1
const SAVED = { frames: 25, milliseconds: 80, scale: 6 };

export class Path {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    const all = (/** @type {string} */ selector) => [...element.querySelectorAll(selector)].map(
      (canvas) => /** @type {HTMLCanvasElement} */ (canvas),
    );
    this.canvases = all(".picture");
    this.strips = all(".strip");
    this.scrubber = /** @type {HTMLInputElement} */ (element.querySelector("[name=at]"));
    this.speed = /** @type {HTMLSelectElement} */ (element.querySelector("[name=speed]"));
    this.button = /** @type {HTMLButtonElement} */ (element.querySelector("[data-play]"));
    this.said = /** @type {HTMLElement} */ (element.querySelector(".way"));
    this.playing = false;
    this.heading = 1;
    this.busy = false;
    this.shown = "";
    this.stripped = "";
    this.button.addEventListener("click", () => this.play(!this.playing));
    element.addEventListener("click", (event) => {
      const { save } = /** @type {HTMLElement} */ (event.target).dataset;
      if (save) this.save(save);
    });
    const webp = /** @type {HTMLElement} */ (element.querySelector("[data-save=webp]"));
    encodesWebp().then((can) => { webp.hidden = !can; });
    this.scrubber.addEventListener("input", () => {
      this.play(false);
      stage.state.weight = Number(this.scrubber.value);
    });
    for (const strip of this.strips) {
      strip.addEventListener("click", (event) => {
        const frame = Math.floor((event.offsetX / strip.clientWidth) * FRAMES);
        this.play(false);
        stage.state.weight = Math.min(FRAMES - 1, frame) / (FRAMES - 1);
        this.scrubber.value = String(stage.state.weight);
      });
    }
  }

  /** @param {boolean} playing */
  play(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "Pause" : "Play";
  }

  /** @param {number} seconds */
  tick(seconds) {
    const { state } = this.stage;
    if (this.playing) {
      if (!state.returns) this.heading = 1;
      let weight = state.weight + (this.heading * seconds * Number(this.speed.value)) / SECONDS;
      if (weight >= 1 || weight <= 0) {
        this.heading = weight >= 1 ? -1 : 1;
        weight = state.returns ? Math.min(1, Math.max(0, weight)) : 0;
      }
      state.weight = Math.round(weight * 1000) / 1000;
      this.scrubber.value = String(state.weight);
    }
    this.show();
  }

  async show() {
    const { state, sides } = this.stage, { from, to, kind, via, chosen, truncation } = state;
    const way = via.join(" → ");
    if (this.said.textContent !== way) this.said.textContent = way;
    const awake = sides.filter((side) => side.awake);
    const path = [from, to, kind, via, chosen, truncation,
      ...awake.map(({ about }) => about.name)].join();
    const wanted = `${path},${state.weight}`;
    if (this.busy || wanted === this.shown || !awake.length) return;
    this.busy = true;
    const pictures = await this.#draw([state.weight], "path");
    pictures.forEach((pixels, i) => {
      if (pixels) paint(this.canvases[i], pixels, sides[i].about.image_shape);
    });
    if (path !== this.stripped) {
      this.stripped = path;
      const weights = Array.from({ length: FRAMES }, (_, i) => i / (FRAMES - 1));
      const strips = await this.#draw(weights, "strip");
      strips.forEach((pixels, i) => {
        if (pixels) paintSheet(this.strips[i], pixels, sides[i].about.image_shape, FRAMES);
      });
    }
    this.busy = false;
    if (pictures.filter((pixels) => pixels).length < awake.length) return;  // failed: once more
    this.shown = wanted;
    this.stage.moved();
  }

  /** The path, both models side by side, as an animated PNG or WebP. @param {string} format */
  async save(format) {
    const weights = Array.from({ length: SAVED.frames }, (_, i) => i / (SAVED.frames - 1));
    this.stage.say("Drawing the film …");  // which of a slow model takes seconds
    const drawn = await this.#draw(weights, "animation");
    this.stage.say("");
    if (!drawn.some((pixels) => pixels)) return;
    const there = weights.map((_, k) => {
      const canvases = drawn.flatMap((pixels, i) => {
        if (!pixels) return [];
        const canvas = document.createElement("canvas");
        paint(canvas, pixels, this.stage.sides[i].about.image_shape, k);
        return [canvas];
      });
      const together = beside(canvases, SAVED.scale);
      return context(together).getImageData(0, 0, together.width, together.height);
    });
    const back = this.stage.state.returns ? there.slice(1, -1).reverse() : [];
    const encode = format === "webp" ? animatedWebp : animatedPng;
    try {
      download(await encode([...there, ...back], SAVED.milliseconds), `duet-path.${format}`);
    } catch (error) {
      this.stage.say(`The film could not be made (${/** @type {Error} */ (error).message}).`);
    }
  }

  /** @param {number[]} weights @param {string} lane */
  #draw(weights, lane) {
    const { state, sides } = this.stage;
    const look = { chosen: null, truncation: state.truncation };  // a latent brings its label
    return Promise.all(sides.map((side) => side.awake
      ? side.draw(weights.map((weight) => this.#latent(side, weight)), look, lane) : null));
  }

  /** @param {Side} side @param {number} weight */
  #latent(side, weight) {
    const { from, to, kind, via, chosen } = this.stage.state;
    const start = side.plane.seed(from), end = side.plane.seed(to);
    const z = INTERPOLATIONS[/** @type {"linear" | "spherical"} */ (kind)](start.z, end.z, weight);
    const passed = via[Math.min(via.length - 1, Math.floor(weight * via.length))] ?? chosen;
    return { z, label: side.label((weight < 0.5 ? start : end).label, passed) };
  }
}
