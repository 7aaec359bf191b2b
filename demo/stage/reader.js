/**
 * A drawing as a model that encodes knows it. The encoder wants to know the class; where nobody says
 * it, the class that explains the drawing best is taken, which makes a VAE a reader as well.
 */

import { AS_IT_IS } from "./latents.js";

/** @typedef {import("./side.js").Side} Side */
/** @typedef {{pixels: Uint8Array, label: number, z: Float32Array}} Reading */

// Grey levels: what weighs a wrong pixel against an unlikely latent. So 290 of MNIST's first 300 test
// digits are read right; by the pixels alone, 262.
const DEVIATION = 40;

/**
 * The model's own picture of a drawing, and the label that explains it best; null where a newer
 * drawing came, or the decoder failed. Throws where the encoder does.
 * @param {Side} side @param {Uint8Array} drawing  of the model's size @param {string | null} chosen
 * @param {string} [lane] @returns {Promise<Reading | null>}
 */
export async function read(side, drawing, chosen, lane = "draw") {
  const label = side.label(-1, chosen), size = drawing.length, dim = side.about.latent_dim;
  const labels = label >= 0 ? [label]
    : Array.from({ length: side.classes.length || 1 }, (_, every) => every);
  const copies = new Uint8Array(labels.length * size);
  labels.forEach((_, i) => copies.set(drawing, i * size));
  const z = await side.encode(copies, labels, lane);
  if (!z) return null;
  const latents = labels.map((label, i) => ({ z: z.slice(i * dim, (i + 1) * dim), label }));
  const pixels = await side.draw(latents, AS_IT_IS, lane);
  if (!pixels) return null;
  const costs = latents.map((latent, i) => {
    const error = drawing.reduce((sum, value, p) => sum + (value - pixels[i * size + p]) ** 2, 0);
    return error / DEVIATION ** 2 + latent.z.reduce((sum, value) => sum + value ** 2, 0);
  });
  const best = costs.indexOf(Math.min(...costs));
  return { pixels: pixels.slice(best * size, (best + 1) * size), label: labels[best], z: latents[best].z };
}
