/** One side of the stage: a model, whether it is awake, and what it draws. */

import { Engine, supported } from "./engine.js";
import { truncate } from "./latents.js";
import { Plane } from "./plane.js";
import { Server } from "./server.js";

/**
 * @typedef {import("./engine.js").About} About
 * @typedef {import("./latents.js").Latent} Latent
 * @typedef {{chosen: string | null, truncation: number}} Look  null: the class drawn with the latent
 */

const MOST_FAILURES = 2;  // in a row; then the server is asked, or else the visitor

export class Side {
  /**
   * @param {About} about @param {URL} base  which its folder is below @param {() => void} changed
   * @param {URL | null} server  who draws where this browser cannot
   */
  constructor(about, base, changed, server) {
    this.about = about;
    this.base = base;
    this.server = server;
    this.plane = new Plane(about.latent_dim, about.num_classes);
    this.changed = changed;
    this.awake = false;
    this.gone = false;
    this.failures = 0;
    this.note = "";  // what else its caption says
    this.engine = this.#engine();
  }

  /** The classes that it draws. */
  get classes() {
    return this.about.num_classes ? this.about.class_names : [];
  }

  /** Whether pictures can be made latents. */
  get encodes() {
    return Boolean(this.about.files.encoder) || (this.server !== null && this.about.encodes);
  }

  /** Whether "decoder" or "encoder" has been asked for. @param {string} role */
  opened(role) {
    return this.engine instanceof Server || this.engine.open.has(role);
  }

  /** What its caption says beside its name. */
  get words() {
    const remote = this.engine instanceof Server;
    if (this.gone) {
      if (remote) return "the server does not answer";
      return supported() ? "it could not be loaded" : "this browser cannot run it; a recording plays";
    }
    if (remote) return "drawn by the server";
    return this.awake ? this.note : "waking …";
  }

  /** Who runs the model: this browser if it can. */
  #engine() {
    if (this.server && !(this.about.files.decoder && supported())) {
      return new Server(this.about, this.server);
    }
    return new Engine(this.about, new URL(`${this.about.folder}/`, this.base));
  }

  /** Load the decoder; failures are counted, not thrown. */
  async wake() {
    while (!this.awake && !this.gone) await this.#try(() => this.engine.ready("decoder"));
  }

  /** Forget the failures and load it again. */
  retry() {
    this.failures = 0;
    this.engine.stop(new Error("it is loaded again"));
    this.engine = this.#engine();
    this.#is(false, false);
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
    if (pixels) this.failures = 0;
    if (!this.awake) this.wake();
    return pixels;
  }

  /**
   * Latents of pictures; null where a newer request took the lane. Throws where the encoder fails.
   * @param {Uint8Array} pixels @param {number[]} labels @param {string} lane
   */
  async encode(pixels, labels, lane) {
    try {
      return await this.engine.encode(pixels, labels, lane);
    } catch (error) {
      if (!this.#fallBack()) throw error;
      return this.engine.encode(pixels, labels, lane);
    }
  }

  /**
   * The label to draw with: the chosen class where the model knows it, else the one that was drawn.
   * @param {number} drawn @param {string | null} chosen
   */
  label(drawn, chosen) {
    const label = chosen === null ? -1 : this.classes.indexOf(chosen);
    return label < 0 ? drawn : label;
  }

  /** From now on the server draws, if there is one that does not already. */
  #fallBack() {
    if (!this.server || this.engine instanceof Server) return false;
    this.engine.stop(new Error("the server takes over"));
    this.engine = new Server(this.about, this.server);
    this.failures = 0;
    this.changed();
    return true;
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T | null>}
   */
  async #try(work) {
    const { engine } = this;
    try {
      const found = await work();
      this.#is(true, false);
      return found;
    } catch (error) {
      console.info(`${this.about.name}: ${error}`);
      if (this.engine !== engine) return null;  // another has taken over
      this.failures++;
      const able = supported() || engine instanceof Server;
      const over = !able || this.failures >= MOST_FAILURES;
      this.#is(false, this.gone || (over && !this.#fallBack()));
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
