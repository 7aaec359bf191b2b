/**
 * A model that the server runs, asked like an engine: where the browser cannot run it, or has no
 * files of it. The latents come from here, so the pictures are the same (demo/remote.py).
 */

import { base64, bytes, call } from "./call.js";
import { Lanes } from "./lanes.js";

/** @typedef {import("./engine.js").About} About */

const MOST = 64;  // pictures a call, as the server has it
const GAP_MS = 40;  // from an answer to the next call: others want theirs too
const AFTER_REFUSAL_MS = 1000;

const pause = (/** @type {number} */ ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Server {
  /** @param {About} about @param {URL} url  the folder of its endpoints */
  constructor(about, url) {
    this.about = about;
    this.url = url;
    this.stopped = new AbortController();
    this.lanes = new Lanes(async (work) => {
      try {
        return await work();
      } catch (error) {
        await pause(AFTER_REFUSAL_MS);
        throw error;
      } finally {
        await pause(GAP_MS);
      }
    });
  }

  /** There is nothing to load. */
  async ready() {}

  /**
   * Latents -> pixels, uint8, picture by picture; null where a newer request took the lane.
   * @param {Float32Array[]} latents @param {number[]} labels @param {string} lane
   * @returns {Promise<Uint8Array | null>}
   */
  decode(latents, labels, lane) {
    return this.lanes.ask(lane, () => inParts(labels, async (from, to) => {
      const z = latents.slice(from, to).map((latent) => Array.from(latent));
      const { pixels } = await this.#call("decode", z, labels.slice(from, to));
      return bytes(pixels);
    }, Uint8Array));
  }

  /**
   * Pictures -> latents, one after the other; null where a newer request took the lane.
   * @param {Uint8Array} pixels @param {number[]} labels @param {string} lane
   * @returns {Promise<Float32Array | null>}
   */
  encode(pixels, labels, lane) {
    const size = pixels.length / labels.length;
    return this.lanes.ask(lane, () => inParts(labels, async (from, to) => {
      const part = base64(pixels.subarray(from * size, to * size));
      const z = await this.#call("encode", part, labels.slice(from, to));
      return Float32Array.from(z.flat());
    }, Float32Array));
  }

  /** @param {string} name @param {any[]} values */
  #call(name, ...values) {
    return call(this.url, name, [this.about.name, ...values], { signal: this.stopped.signal });
  }

  /** @param {Error} why */
  stop(why) {
    this.stopped.abort();
    this.stopped = new AbortController();
    this.lanes.refuse(why);
  }
}

/**
 * A call for as many labels as the server takes at once, and again for the rest.
 * @template {Uint8Array | Float32Array} T
 * @param {number[]} labels @param {(from: number, to: number) => Promise<T>} part
 * @param {{new (length: number): T}} Kind @returns {Promise<T>}
 */
async function inParts(labels, part, Kind) {
  const parts = [];
  for (let from = 0; from < labels.length; from += MOST) {
    parts.push(await part(from, Math.min(labels.length, from + MOST)));
  }
  const whole = new Kind(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}
