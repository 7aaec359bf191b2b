/** Two trainings side by side under one scrubber: 16 pictures and the losses at a step of each. */

import { Charts } from "./curves.js";

/**
 * @typedef {import("./curves.js").Curves} Curves
 * @typedef {{step: number, image: HTMLImageElement, top: number, height: number}} Frame  a row of a
 *   sheet: pixels `top` to `top + height` of an image
 * @typedef {{name: string, kind: string, words: string, frames: Frame[], curves: Curves}} Track
 */

const SIDE = 4, COLUMNS = SIDE * SIDE, GAP = 1;

/**
 * The rows of a sheet, one a step.
 * @param {string} url @param {number[]} steps @returns {Promise<Frame[]>}
 */
export async function framesOf(url, steps) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const height = image.height / steps.length;
  return steps.map((step, row) => ({ step, image, top: row * height, height }));
}

export class Reel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.figures = Array.from(root.querySelectorAll("figure"));
    const places = /** @type {HTMLElement[]} */ (Array.from(root.querySelectorAll("div.side")));
    this.charts = places.map((place) => new Charts(place));
    this.play = /** @type {HTMLButtonElement} */ (root.querySelector('[data-act="play"]'));
    this.range = /** @type {HTMLInputElement} */ (root.querySelector('[name="stop"]'));
    this.speed = /** @type {HTMLSelectElement} */ (root.querySelector('[name="speed"]'));
    this.output = /** @type {HTMLOutputElement} */ (root.querySelector(".at output"));
    /** @type {Track[]} */
    this.tracks = [];
    /** @type {number[]} */
    this.stops = [0];
    this.playing = false;
    this.play.onclick = () => (this.playing ? this.pause() : this.#begin());
    this.range.oninput = () => {
      this.pause();
      this.#draw();
    };
    this.#draw();
  }

  /** The step in view. */
  get step() {
    return this.stops[this.#index] ?? 0;
  }

  /** Whether that is the last. */
  get ended() {
    return this.#index === this.stops.length - 1;
  }

  /** Go to the latest stop that is not after a step. @param {number} step */
  seek(step) {
    this.range.value = String(Math.max(0, this.stops.findLastIndex((stop) => stop <= step)));
    this.#draw();
  }

  get #last() {
    return this.stops[this.stops.length - 1];
  }

  get #index() {
    return Number(this.range.value);
  }

  /**
   * Show two tracks, at their end; or, with `follow`, go on where the scrubber was not at the end.
   * @param {Track[]} tracks @param {boolean} [follow]
   */
  set(tracks, follow = false) {
    const kept = follow && !this.ended ? this.step : null;
    this.tracks = tracks;
    // Where a sheet was kept its rows are the stops: about as many in each tenfold of steps.
    const rows = tracks.flatMap(({ frames }) => frames.map(({ step }) => step));
    const any = tracks.some(({ frames }) => frames.length > 1);
    const all = any ? rows : [...rows, ...tracks.flatMap(({ curves }) => curves.step ?? [])];
    this.stops = [...new Set(all)].sort((one, other) => one - other);
    if (!this.stops.length) this.stops = [0];
    this.range.max = String(this.stops.length - 1);
    this.play.disabled = this.range.disabled = this.stops.length < 2;
    const index = kept === null ? this.stops.length - 1 : this.stops.findIndex((s) => s >= kept);
    this.range.value = String(index);
    if (!follow) this.pause();
    this.tracks.forEach(({ name, kind, words, curves }, side) => {
      const figure = this.figures[side];
      figure.dataset.kind = this.charts[side].host.dataset.kind = kind;
      /** @type {HTMLElement} */ (figure.querySelector(".name")).textContent = name;
      /** @type {HTMLElement} */ (figure.querySelector(".words")).textContent = words;
      this.charts[side].set(curves, this.#last);
    });
    this.#draw();
  }

  pause() {
    this.playing = false;
    this.play.textContent = "Play";
  }

  #begin() {
    this.playing = true;
    this.play.textContent = "Pause";
    if (this.ended) this.range.value = "0";
    this.#draw();
    let before = performance.now(), due = 0;
    const tick = (/** @type {number} */ now) => {
      if (!this.playing) return;
      due += (Math.max(0, now - before) / 1000) * Number(this.speed.value);
      before = now;
      if (due >= 1) {
        this.range.value = String(this.#index + Math.floor(due));
        due %= 1;
        this.#draw();
      }
      if (this.ended) this.pause();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #draw() {
    const { step } = this;
    this.output.textContent = step.toLocaleString("en");
    this.range.setAttribute("aria-valuetext", `step ${step}`);
    this.tracks.forEach(({ frames }, side) => {
      // Of a model whose pictures were not kept there is one row, of its end: pale before that.
      const frame = frames.findLast((known) => known.step <= step) ?? frames[0];
      const canvas = /** @type {HTMLCanvasElement} */ (this.figures[side].querySelector("canvas"));
      /** @type {HTMLOutputElement} */ (this.figures[side].querySelector(".count output"))
        .textContent = frame ? frame.step.toLocaleString("en") : "–";
      canvas.classList.toggle("later", Boolean(frame && frame.step > step));
      if (frame) tile(canvas, frame);
      else canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
      this.charts[side].at(step, this.#last);
    });
  }
}

/** A row's pictures as a square. @param {HTMLCanvasElement} canvas @param {Frame} frame */
function tile(canvas, { image, top, height }) {
  const width = image.width / COLUMNS;
  const size = [width, height].map((side) => SIDE * side + (SIDE - 1) * GAP);
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  for (let i = 0; i < COLUMNS; i++) {
    const x = (i % SIDE) * (width + GAP), y = Math.floor(i / SIDE) * (height + GAP);
    context.drawImage(image, i * width, top, width, height, x, y, width, height);
  }
}
