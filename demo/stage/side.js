/** One side of the stage: a model, whether it is awake, and what it draws. */

import { Engine, supported } from "./engine.js";
import { truncate } from "./latents.js";
import { Plane } from "./plane.js";

/**
 * @typedef {import("./engine.js").About} About
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {{chosen: number | null, truncation: number}} Look  null: the class drawn with the latent
 */

const MOST_FAILURES = 2;  // in a row; then it is left alone until somebody asks again

export class Side {
  /** @param {About} about @param {URL} folder @param {() => void} changed */
  constructor(about, folder, changed) {
    this.about = about;
    this.engine = new Engine(about, folder);
    this.plane = new Plane(about.latent_dim, about.num_classes);
    this.changed = changed;
    this.awake = false;
    this.gone = false;
    this.failures = 0;
  }

  /** What its caption says beside its name. */
  get words() {
    if (!supported()) return "this browser cannot run it; a recording plays";
    if (this.gone) return "it could not be loaded";
    return this.awake ? "" : "waking …";
  }

  /** Load the decoder; failures are counted, not thrown. */
  async wake() {
    while (!this.awake && !this.gone) await this.#try(() => this.engine.ready("decoder"));
  }

  /** Forget the failures and load it again. */
  retry() {
    this.failures = 0;
    this.gone = false;
    return this.wake();
  }

  stop() {
    this.gone = true;
    this.engine.stop(new Error("another model took its place"));
  }

  /**
   * Pixels of latents; null where a newer request took the lane, or the model failed.
   * @param {Latent[]} latents @param {Look} look @param {string} lane
   * @returns {Promise<Uint8Array | null>}
   */
  async draw(latents, { chosen, truncation }, lane) {
    if (this.gone) return null;
    const z = latents.map((latent) => truncate(latent.z, truncation));
    const labels = latents.map(({ label }) => this.label(label, chosen));
    const pixels = await this.#try(() => this.engine.decode(z, labels, lane));
    if (!this.awake) this.wake();
    return pixels;
  }

  /**
   * Latents of pictures; null where a newer request took the lane. Throws where the encoder fails.
   * @param {Uint8Array} pixels @param {number[]} labels @param {string} lane
   */
  encode(pixels, labels, lane) {
    return this.engine.encode(pixels, labels, lane);
  }

  /**
   * The label to draw with: the chosen one where the model knows it, else the one that was drawn.
   * @param {number} drawn @param {number | null} chosen
   */
  label(drawn, chosen) {
    if (!this.about.num_classes) return 0;
    return chosen !== null && chosen < this.about.num_classes ? chosen : drawn;
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T | null>}
   */
  async #try(work) {
    try {
      const found = await work();
      this.failures = 0;
      this.#is(true, false);
      return found;
    } catch (error) {
      console.info(`${this.about.name}: ${error}`);
      this.failures++;
      this.#is(false, this.gone || !supported() || this.failures >= MOST_FAILURES);
      return null;
    }
  }

  /** @param {boolean} awake @param {boolean} gone */
  #is(awake, gone) {
    if (this.awake === awake && this.gone === gone) return;
    [this.awake, this.gone] = [awake, gone];
    this.changed();
  }
}
