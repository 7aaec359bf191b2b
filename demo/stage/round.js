/** A round of the quiz, without its page: which pictures, and what a tally says. */

import { uniforms } from "./latents.js";

/** @typedef {{maker: number, index: number}} Question  maker 0: the real pictures */
/** @typedef {"better" | "guessing" | "worse"} Verdict */

export const COUNT = 10;
const STREAM = 2 ** 40;  // of the choices, away from the latents'
const Z = 1.959964;  // 95 % of a normal distribution lie within so many deviations

/**
 * The questions of a round: makers are equally likely each time, so that guessing has its share;
 * no real picture comes twice. A model's `index` is the image of the round's seed.
 * @param {number} seed @param {number} makers  the real pictures and the models
 * @param {number} held  real pictures to choose from, COUNT at least @returns {Question[]}
 */
export function questions(seed, makers, held) {
  const dice = uniforms(seed, STREAM, 2 * COUNT);
  const left = Array.from({ length: held }, (_, i) => i);
  return Array.from({ length: COUNT }, (_, i) => {
    const maker = Math.floor(dice[i] * makers);
    if (maker) return { maker, index: i };
    return { maker, index: left.splice(Math.floor(dice[COUNT + i] * left.length), 1)[0] };
  });
}

/**
 * The interval of 95 % of a share (Wilson, 1927), which holds for few trials too.
 * @param {number} right @param {number} count @returns {[number, number]}
 */
export function wilson(right, count) {
  const share = right / count, z2 = Z * Z / count;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = Z / (1 + z2) * Math.sqrt(share * (1 - share) / count + z2 / (4 * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/**
 * Whether a tally tells anything from guessing among so many makers.
 * @param {number} right @param {number} count @param {number} makers @returns {Verdict}
 */
export function verdict(right, count, makers) {
  const [low, high] = wilson(right, count);
  if (low > 1 / makers) return "better";
  return high < 1 / makers ? "worse" : "guessing";
}
