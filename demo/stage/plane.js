/**
 * The plane between seeds: a seed at each corner of a lattice, `plane` of duet/core/latents.py. A
 * place is the same mixture of seeds for every model, so "same seed, same image" has no gaps.
 */

import { draw } from "./latents.js";

/** @typedef {import("./latents.js").Latent} Latent */
/** @typedef {{seed: number, weight: number}} Corner */

/** Corners a side; beyond, the plane begins again. */
export const SIDE = 1000;
export const LAST_SEED = SIDE * SIDE - 1;

/** @param {number} value */
const wrapped = (value) => ((value % SIDE) + SIDE) % SIDE;

/**
 * The seed at a corner, and back: seed 12,345 stands at (345, 12).
 * @param {number} column @param {number} row
 */
export const seedAt = (column, row) => wrapped(column) + SIDE * wrapped(row);

/** @param {number} seed @returns {[number, number]} */
export const placeOf = (seed) => [seed % SIDE, Math.floor(seed / SIDE) % SIDE];

/**
 * The four corners around a place, and how much each counts; the nearest is the heaviest.
 * @param {number} x @param {number} y @returns {Corner[]}
 */
export function corners(x, y) {
  const column = Math.floor(x), row = Math.floor(y);
  const right = x - column, down = y - row;
  const weights = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down];
  const norm = Math.hypot(...weights);
  return weights.map((weight, i) => (
    { seed: seedAt(column + (i & 1), row + (i >> 1)), weight: weight / norm }
  ));
}

/**
 * The seed nearest to a place.
 * @param {number} x @param {number} y
 */
export function nearest(x, y) {
  return corners(x, y).reduce((best, corner) => (corner.weight > best.weight ? corner : best)).seed;
}

/** A model's view of the plane: it remembers the corners that it has drawn. */
export class Plane {
  /** @param {number} latentDim @param {number} classes */
  constructor(latentDim, classes) {
    this.latentDim = latentDim;
    this.classes = classes;
    /** @type {Map<number, Latent>} */
    this.known = new Map();
  }

  /** @param {number} seed @returns {Latent} */
  seed(seed) {
    let found = this.known.get(seed);
    if (!found) {
      found = draw(seed, 0, this.latentDim, this.classes);
      if (this.known.size > 500) this.known.clear();
      this.known.set(seed, found);
    }
    return found;
  }

  /**
   * The latent at a place: the corners' sum, divided by its expected length over theirs; the label
   * is the nearest corner's.
   * @param {number} x @param {number} y @returns {Latent}
   */
  at(x, y) {
    const around = corners(x, y), z = new Float32Array(this.latentDim);
    const sum = new Float64Array(this.latentDim);
    for (const { seed, weight } of around) {
      const corner = this.seed(seed).z;
      for (let i = 0; i < sum.length; i++) sum[i] += weight * corner[i];
    }
    z.set(sum);
    return { z, label: this.seed(nearest(x, y)).label };
  }
}
