/** Latents as short texts for links: 16 bits a number, which no picture shows. */

const STEPS = 4096;  // of one standard deviation
const MOST = 2 ** 15 - 1;

/** @param {Float32Array} z */
export function packed(z) {
  const steps = Int16Array.from(z, (value) => Math.max(-MOST, Math.min(MOST, Math.round(value * STEPS))));
  const letters = Array.from(new Uint8Array(steps.buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The latent again; null where the text is none of this size.
 * @param {string} text @param {number} size @returns {Float32Array | null}
 */
export function unpacked(text, size) {
  try {
    const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    if (letters.length !== 2 * size) return null;
    const steps = new Int16Array(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer);
    return Float32Array.from(steps, (step) => step / STEPS);
  } catch {
    return null;
  }
}
