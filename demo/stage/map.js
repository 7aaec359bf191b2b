/** The map under the pictures: the lattice of seeds around the place, drawn as far as it is wide. */

import { corners, seedAt } from "./plane.js";

const CELL = 56;  // CSS pixels between two seeds

export class Map2d {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {[number, number][]} */
    this.trail = [];
  }

  /** Places that a movement of one CSS pixel passes. */
  get placesPerPixel() {
    return 1 / CELL;
  }

  /** @param {number} x @param {number} y */
  show(x, y) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = globalThis.devicePixelRatio || 1, context = this.canvas.getContext("2d");
    if (!context || !width) return;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) {
      [this.canvas.width, this.canvas.height] = size;
    }
    const style = getComputedStyle(this.canvas);
    const ink = style.color, accent = style.getPropertyValue("--accent") || ink;
    const at = (/** @type {number} */ column, /** @type {number} */ row) => (
      /** @type {[number, number]} */ ([width / 2 + (column - x) * CELL, height / 2 + (row - y) * CELL])
    );
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#trail(context, x, y, at, accent);
    const weights = new Map(corners(x, y).map(({ seed, weight }) => [seed, weight]));
    const across = Math.ceil(width / 2 / CELL) + 1, down = Math.ceil(height / 2 / CELL) + 1;
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "center";
    for (let row = Math.floor(y) - down; row <= y + down; row++) {
      for (let column = Math.floor(x) - across; column <= x + across; column++) {
        const [px, py] = at(column, row), weight = weights.get(seedAt(column, row)) ?? 0;
        context.globalAlpha = 0.35 + 0.65 * weight;
        context.fillStyle = weight ? accent : ink;
        context.beginPath();
        context.arc(px, py, 2 + 5 * weight, 0, 2 * Math.PI);
        context.fill();
        context.fillStyle = ink;
        context.fillText(String(seedAt(column, row)), px, py + 18);
      }
    }
    context.globalAlpha = 1;
    context.strokeStyle = accent;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(width / 2, height / 2, 9, 0, 2 * Math.PI);
    context.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y
   * @param {(column: number, row: number) => [number, number]} at @param {string} colour
   */
  #trail(context, x, y, at, colour) {
    const last = this.trail.at(-1);
    if (!last || Math.hypot(last[0] - x, last[1] - y) > 0.03) this.trail.push([x, y]);
    if (this.trail.length > 200) this.trail.shift();
    context.strokeStyle = colour;
    context.lineWidth = 2;
    for (let i = 1; i < this.trail.length; i++) {
      const [from, to] = [this.trail[i - 1], this.trail[i]];
      if (Math.hypot(from[0] - to[0], from[1] - to[1]) > 2) continue;  // a jump leaves no line
      context.globalAlpha = (0.5 * i) / this.trail.length;
      context.beginPath();
      context.moveTo(...at(...from));
      context.lineTo(...at(...to));
      context.stroke();
    }
  }
}
