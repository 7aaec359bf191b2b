/** Latents as short texts for links: 16 bits a number, which no picture shows. */

import { base64, bytes } from "./call.js";

const STEPS = 4096;  // of one standard deviation
const MOST = 2 ** 15 - 1;

/** @param {Float32Array} z */
export function packed(z) {
  const steps = Int16Array.from(z, (value) => Math.max(-MOST, Math.min(MOST, Math.round(value * STEPS))));
  const text = base64(new Uint8Array(steps.buffer));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The latent again; null where the text is none of this size.
 * @param {string} text @param {number} size @returns {Float32Array | null}
 */
export function unpacked(text, size) {
  try {
    const content = bytes(text.replaceAll("-", "+").replaceAll("_", "/"));
    if (content.length !== 2 * size) return null;
    return Float32Array.from(new Int16Array(content.buffer), (step) => step / STEPS);
  } catch {
    return null;
  }
}
