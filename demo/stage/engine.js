/** A model in a worker of its own, asked through lanes. */

import { Lanes } from "./lanes.js";
import { WASM } from "./runtime.js";
import { load } from "./store.js";

/**
 * @typedef {{name: string, bytes: number, sha256: string}} File
 * @typedef {{name: string, architecture: string, title: string, role: string, latent_dim: number,
 *   image_shape: [number, number, number], num_classes: number, class_names: string[],
 *   files: Record<string, File>, encodes: boolean, data: string, folder?: string,
 *   scores?: Record<string, string>}} About  of stage.json; `folder`: where its files lie; `scores` as
 *   they are shown
 * @typedef {{name: string, type: string, data: any, dims: number[]}} Input
 */

/** @type {Promise<ArrayBuffer> | null} */
let runtime = null;

/** The WebAssembly, fetched once for all workers. */
function fetchRuntime() {
  runtime ??= load(new URL(WASM.name, import.meta.url), WASM.sha256);
  runtime.catch(() => { runtime = null; });
  return runtime;
}

/** Begin to fetch what every model needs, before it is known which. */
export function preload() {
  if (supported()) fetchRuntime().catch(() => {});
}

/** Whether this browser can run a model at all. */
export function supported() {
  return typeof WebAssembly === "object" && typeof Worker === "function"
    && typeof DecompressionStream === "function";
}

export class Engine {
  /** @param {About} about @param {URL} folder  where its files lie, packed */
  constructor(about, folder) {
    this.about = about;
    this.folder = folder;
    /** @type {Map<string, Promise<void>>} */
    this.open = new Map();
    this.lanes = new Lanes((message) => this.#post(message));
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {(data: {output?: any, error?: string}) => void} */
    this.answered = () => {};
    this.stops = 0;
  }

  /**
   * Have a file of the model ready: "decoder" or "encoder". A failure is not kept: ask again.
   * @param {string} role @returns {Promise<void>}
   */
  ready(role) {
    let opening = this.open.get(role);
    if (!opening) {
      opening = this.#open(role);
      this.open.set(role, opening);
      opening.catch(() => {
        if (this.open.get(role) === opening) this.open.delete(role);
      });
    }
    return opening;
  }

  /** @param {string} role */
  async #open(role) {
    if (!supported()) throw new Error("this browser runs no WebAssembly");
    const file = this.about.files[role], { stops } = this;
    if (!file) throw new Error(`${this.about.name} has no ${role}`);
    // The worker reads its script while the files are on their way.
    const [wasm, model] = await Promise.all([
      fetchRuntime(), load(new URL(`${file.name}.gz`, this.folder), file.sha256),
      this.lanes.ask("start", {}),
    ]);
    if (stops !== this.stops) throw new Error("it was stopped while it was loaded");
    await this.lanes.ask(`open ${role}`, { role, runtime: wasm, model });
  }

  /**
   * Latents -> pixels, uint8, picture by picture; null where a newer request took the lane.
   * @param {Float32Array[]} latents @param {number[]} labels @param {string} lane
   * @returns {Promise<Uint8Array | null>}
   */
  async decode(latents, labels, lane) {
    await this.ready("decoder");
    const z = new Float32Array(latents.length * this.about.latent_dim);
    latents.forEach((latent, i) => z.set(latent, i * this.about.latent_dim));
    const dims = [latents.length, this.about.latent_dim];
    return this.lanes.ask(lane, {
      role: "decoder", inputs: [{ name: "z", type: "float32", data: z, dims }, whole(labels)],
    });
  }

  /**
   * Pictures -> latents, one after the other; null where a newer request took the lane.
   * @param {Uint8Array} pixels @param {number[]} labels @param {string} lane
   * @returns {Promise<Float32Array | null>}
   */
  async encode(pixels, labels, lane) {
    await this.ready("encoder");
    const dims = [labels.length, ...this.about.image_shape];
    return this.lanes.ask(lane, {
      role: "encoder",
      inputs: [{ name: "pixels", type: "uint8", data: pixels, dims }, whole(labels)],
    });
  }

  /** @param {any} message @returns {Promise<any>} */
  #post(message) {
    return new Promise((resolve, reject) => {
      this.answered = ({ output, error }) => (error ? reject(new Error(error)) : resolve(output));
      this.worker ??= this.#start();
      this.worker.postMessage(message);
    });
  }

  #start() {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => this.answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.stop(new Error(event.message || "the worker ended"));
    };
    return worker;
  }

  /**
   * End the worker; what waits is refused. The next request starts another.
   * @param {Error} why
   */
  stop(why) {
    this.stops++;
    this.worker?.terminate();
    this.worker = null;
    this.open.clear();
    this.lanes.refuse(why);
  }
}

/** @param {number[]} labels @returns {Input} */
function whole(labels) {
  const data = BigInt64Array.from(labels, BigInt);
  return { name: "labels", type: "int64", data, dims: [labels.length] };
}
