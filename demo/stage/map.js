/**
 * The map under the pictures: the lattice of seeds around the place, as far as it is wide. At each
 * seed stand both models' pictures of it, small, once somebody has drawn them.
 */

import { corners, seedAt } from "./plane.js";

const CELL = 72;  // CSS pixels between two seeds
const THUMB = 28;  // and of a small picture's side
const MOST = 600;  // small pictures that are kept a side

/** @typedef {{look: string, picture: HTMLCanvasElement}} Thumb */

export class Map2d {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {[number, number][]} */
    this.trail = [];
    /** @type {Map<number, Thumb>[]} */
    this.thumbs = [new Map(), new Map()];
    this.shown = "";
  }

  /** Places that a movement of one CSS pixel passes. */
  get placesPerPixel() {
    return 1 / CELL;
  }

  /**
   * The nearest seed in sight that has no picture of this look yet.
   * @param {number} side @param {string} look @param {number} x @param {number} y
   */
  missing(side, look, x, y) {
    let best = null, least = Infinity;
    for (const [column, row] of this.#inSight(x, y)) {
      const seed = seedAt(column, row), away = Math.hypot(column - x, row - y);
      if (away < least && this.thumbs[side].get(seed)?.look !== look) [best, least] = [seed, away];
    }
    return best;
  }

  /** Another model stands on a side: the pictures of the one before go. @param {number} side */
  forget(side) {
    this.thumbs[side].clear();
    this.shown = "";
  }

  /** @param {number} side @param {number} seed @param {Thumb} thumb */
  keep(side, seed, thumb) {
    if (this.thumbs[side].size > MOST) this.thumbs[side].clear();
    this.thumbs[side].set(seed, thumb);
    this.shown = "";
  }

  /** @param {number} x @param {number} y @returns {Generator<[number, number]>} */
  *#inSight(x, y) {
    const across = this.canvas.clientWidth / 2 / CELL + 0.5;
    const down = this.canvas.clientHeight / 2 / CELL + 0.5;
    for (let row = Math.ceil(y - down); row <= y + down; row++) {
      for (let column = Math.ceil(x - across); column <= x + across; column++) yield [column, row];
    }
  }

  /**
   * The seed under a point of the canvas, if it is on one.
   * @param {number} px @param {number} py @param {number} x @param {number} y
   * @returns {[number, number] | null}
   */
  cornerAt(px, py, x, y) {
    const column = x + (px - this.canvas.clientWidth / 2) / CELL;
    const row = y + (py - this.canvas.clientHeight / 2) / CELL;
    const near = Math.abs(column - Math.round(column)) < 0.42 && Math.abs(row - Math.round(row)) < 0.3;
    return near ? [Math.round(column), Math.round(row)] : null;
  }

  /** @param {number} x @param {number} y @param {string[]} colours  of the sides */
  show(x, y, colours) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = globalThis.devicePixelRatio || 1, context = this.canvas.getContext("2d");
    const wanted = [x, y, width, height, ratio, ...colours].join();
    if (!context || !width || wanted === this.shown) return;
    this.shown = wanted;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) {
      [this.canvas.width, this.canvas.height] = size;
    }
    const ink = getComputedStyle(this.canvas).color;
    const at = (/** @type {number} */ column, /** @type {number} */ row) => (
      /** @type {[number, number]} */ ([width / 2 + (column - x) * CELL, height / 2 + (row - y) * CELL])
    );
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = ratio < 2;
    context.clearRect(0, 0, width, height);
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillStyle = ink;
    const weights = new Map(corners(x, y).map(({ seed, weight }) => [seed, weight]));
    for (const [column, row] of this.#inSight(x, y)) {
      const seed = seedAt(column, row), weight = weights.get(seed) ?? 0, [px, py] = at(column, row);
      context.globalAlpha = 0.6 + 0.4 * weight;
      colours.forEach((colour, side) => {
        const left = px + (side ? 1 : -1 - THUMB), top = py - THUMB / 2 - 5;
        const thumb = this.thumbs[side].get(seed);
        if (thumb) context.drawImage(thumb.picture, left, top, THUMB, THUMB);
        context.strokeStyle = thumb && weight ? colour : ink;
        context.globalAlpha = weight ? 0.25 + 0.75 * weight : 0.25;
        context.lineWidth = weight ? 0.5 + 2 * weight : 0.5;
        context.strokeRect(left, top, THUMB, THUMB);
        context.globalAlpha = 0.6 + 0.4 * weight;
      });
      context.fillText(String(seed), px, py + THUMB / 2 + 8);
    }
    this.#trail(context, x, y, at, ink);
    context.globalAlpha = 1;
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(width / 2, height / 2, 8, 0, 2 * Math.PI);
    context.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y
   * @param {(column: number, row: number) => [number, number]} at @param {string} ink
   */
  #trail(context, x, y, at, ink) {
    const last = this.trail.at(-1);
    if (!last || Math.hypot(last[0] - x, last[1] - y) > 0.03) this.trail.push([x, y]);
    if (this.trail.length > 120) this.trail.shift();
    context.strokeStyle = ink;
    context.lineWidth = 2;
    for (let i = 1; i < this.trail.length; i++) {
      const [from, to] = [this.trail[i - 1], this.trail[i]];
      if (Math.hypot(from[0] - to[0], from[1] - to[1]) > 2) continue;  // a jump leaves no line
      context.globalAlpha = (0.6 * i) / this.trail.length;
      context.beginPath();
      context.moveTo(...at(...from));
      context.lineTo(...at(...to));
      context.stroke();
    }
  }
}
