/** One model's sessions, off the page's own thread. Messages are answered in order. */

import { SCRIPT } from "./runtime.js";

/** @type {Map<string, any>} */
const sessions = new Map();
let last = Promise.resolve();
/** @type {any} */
let ort;

self.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

/** @param {any} message */
async function answer({ id, role, runtime, model, inputs }) {
  try {
    ort ??= await import(`./${SCRIPT}`);
    if (model) {
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmBinary ??= runtime;
      sessions.set(role, await ort.InferenceSession.create(new Uint8Array(model)));
    }
    if (!inputs) {
      self.postMessage({ id });
      return;
    }
    const session = sessions.get(role);
    const feeds = Object.fromEntries(inputs.map((/** @type {any} */ { name, type, data, dims }) => (
      [name, new ort.Tensor(type, data, dims)]
    )));
    const output = (await session.run(feeds))[session.outputNames[0]].data;
    self.postMessage({ id, output }, /** @type {any} */ ([output.buffer]));
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
}
