/**
 * Latents as duet/core/latents.py draws them: image i of a seed is a function of (seed, i) alone,
 * here as there, to float32's rounding. Philox4x64-10 (Salmon et al., 2011) in 32-bit halves, since
 * BigInt is a hundred times slower; then Box–Muller.
 */

/** @typedef {{z: Float32Array, label: number}} Latent */

/** How `Side.draw` looks at latents as they are: each brings its label, none is truncated. */
export const AS_IT_IS = { chosen: null, truncation: 1 };

const ROUNDS = 10;
// The multipliers and the key's increments, high half first.
const M0 = [0xd2e7470e, 0xe14c6c93], M1 = [0xca5a8263, 0x95121157];
const W0 = [0x9e3779b9, 0x7f4a7c15], W1 = [0xbb67ae85, 0x84caa73b];

/**
 * The upper 32 bits of the product of two unsigned 32-bit numbers.
 * @param {number} a @param {number} b @returns {number}
 */
function high32(a, b) {
  const a1 = a >>> 16, a0 = a & 0xffff, b1 = b >>> 16, b0 = b & 0xffff;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);  // below 2^53: exact
  const carry = (middle % 0x10000) + a0 * b1;
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/**
 * The 128-bit product of two 64-bit numbers as four halves, the highest first, into `out`.
 * @param {number[]} a @param {number} bh @param {number} bl @param {Uint32Array} out
 */
function multiply(a, bh, bl, out) {
  const [ah, al] = a;
  const low = Math.imul(al, bl) >>> 0;
  const second = high32(al, bl) + (Math.imul(ah, bl) >>> 0) + (Math.imul(al, bh) >>> 0);
  const third = high32(ah, bl) + high32(al, bh) + (Math.imul(ah, bh) >>> 0)
    + Math.floor(second / 2 ** 32);
  out[0] = high32(ah, bh) + Math.floor(third / 2 ** 32);
  out[1] = third;
  out[2] = second;
  out[3] = low;
}

/**
 * A 64-bit number of at most 2^63 - 1 as two halves.
 * @param {number | bigint} value @returns {[number, number]}
 */
function halves(value) {
  const whole = BigInt(value);
  if (whole < 0n || whole >= 1n << 63n) throw new RangeError(`${value} is not in 0..2^63-1`);
  return [Number(whole >> 32n), Number(whole & 0xffffffffn)];
}

/**
 * The first words of stream (seed, index) as numbers in (0, 1), 53 bits each.
 * @param {number | bigint} seed @param {number | bigint} index @param {number} count
 * @returns {Float64Array}
 */
export function uniforms(seed, index, count) {
  const [seedHigh, seedLow] = halves(seed), [indexHigh, indexLow] = halves(index);
  const found = new Float64Array(count);
  const c = new Uint32Array(8), first = new Uint32Array(4), second = new Uint32Array(4);
  const key = new Uint32Array(4);
  for (let block = 0; block * 4 < count; block++) {
    c.fill(0);
    c[1] = block + 1;  // NumPy counts before it draws
    key.set([seedHigh, seedLow, indexHigh, indexLow]);
    for (let round = 0; round < ROUNDS; round++) {
      multiply(M0, c[0], c[1], first);
      multiply(M1, c[4], c[5], second);
      c.set([
        second[0] ^ c[2] ^ key[0], second[1] ^ c[3] ^ key[1], second[2], second[3],
        first[0] ^ c[6] ^ key[2], first[1] ^ c[7] ^ key[3], first[2], first[3],
      ]);
      increase(key, 0, W0);
      increase(key, 2, W1);
    }
    for (let word = 0; word < 4 && 4 * block + word < count; word++) {
      const bits = c[2 * word] * 2 ** 21 + (c[2 * word + 1] >>> 11);
      found[4 * block + word] = (bits + 0.5) * 2 ** -53;
    }
  }
  return found;
}

/** @param {Uint32Array} key @param {number} at @param {number[]} by */
function increase(key, at, by) {
  const low = key[at + 1] + by[1];
  key[at + 1] = low;
  key[at] = key[at] + by[0] + (low >= 2 ** 32 ? 1 : 0);
}

/**
 * Latent and label number `index` of stream `seed`.
 * @param {number | bigint} seed @param {number | bigint} index
 * @param {number} latentDim @param {number} classes  0: unconditional, the label is 0
 * @returns {Latent}
 */
export function draw(seed, index, latentDim, classes) {
  const pairs = Math.ceil(latentDim / 2);
  const u = uniforms(seed, index, 1 + 2 * pairs);
  const z = new Float32Array(latentDim);
  for (let i = 0; i < pairs; i++) {
    const radius = Math.sqrt(-2 * Math.log(u[1 + i])), angle = 2 * Math.PI * u[1 + pairs + i];
    z[i] = radius * Math.cos(angle);
    if (pairs + i < latentDim) z[pairs + i] = radius * Math.sin(angle);
  }
  return { z, label: Math.floor(u[0] * Math.max(classes, 1)) };
}

/**
 * Pull a latent toward the prior's mean, 0.
 * @param {Float32Array} z @param {number} truncation  in 0..1
 */
export function truncate(z, truncation) {
  return z.map((value) => value * truncation);
}

/**
 * The point at `weight` in 0..1 of the straight line.
 * @param {Float32Array} start @param {Float32Array} end @param {number} weight
 */
export function lerp(start, end, weight) {
  return start.map((value, i) => value * (1 - weight) + end[i] * weight);
}

/**
 * The point at `weight` in 0..1 of the great circle (Shoemake, 1985); of the straight line where
 * the circle is not defined.
 * @param {Float32Array} start @param {Float32Array} end @param {number} weight
 */
export function slerp(start, end, weight) {
  const lengths = Math.hypot(...start) * Math.hypot(...end);
  const cosine = start.reduce((sum, value, i) => sum + value * end[i], 0) / Math.max(lengths, 1e-12);
  if (lengths < 1e-12 || Math.abs(cosine) > 1 - 1e-6) return lerp(start, end, weight);
  const omega = Math.acos(cosine);
  const a = Math.sin((1 - weight) * omega) / Math.sin(omega);
  const b = Math.sin(weight * omega) / Math.sin(omega);
  return start.map((value, i) => a * value + b * end[i]);
}

export const INTERPOLATIONS = { spherical: slerp, linear: lerp };
