/** Latents by their coordinates along orthonormal directions, as demo/directions.py has them. */

/** @typedef {Float32Array} Vector */

/** @param {Vector} a @param {ArrayLike<number>} b */
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/**
 * How many standard deviations a latent lies along each direction.
 * @param {Vector} z @param {number[][]} vectors
 */
export const coordinates = (z, vectors) => vectors.map((vector) => dot(z, vector));

/**
 * A latent whose coordinates along the directions are `places`, and that is else what it was.
 * @param {Vector} z @param {number[][]} vectors @param {number[]} places @returns {Vector}
 */
export function moved(z, vectors, places) {
  const found = z.slice();
  vectors.forEach((vector, k) => {
    const step = places[k] - dot(z, vector);
    for (let i = 0; i < found.length; i++) found[i] += step * vector[i];
  });
  return found;
}

/**
 * The latent at a place of a map: its middle, and so far along its axes.
 * @param {{mean: number[], axes: number[][]}} map @param {number[]} place @returns {Vector}
 */
export function latentAt({ mean, axes }, place) {
  return Float32Array.from(mean, (value, i) => (
    value + axes.reduce((sum, axis, k) => sum + place[k] * axis[i], 0)
  ));
}
