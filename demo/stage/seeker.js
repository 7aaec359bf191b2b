/**
 * The server's search for a model's nearest picture (demo/seek.py), which comes part by part through
 * Gradio's queue: a call gives a number, and under that number the parts are sent as events.
 */

import { base64, bytes } from "./call.js";

/**
 * @typedef {{step: number, steps: number, error: number, label: number, class_name: string | null,
 *   z: number[], pixels: Uint8Array}} Found  the best so far; the error in grey levels
 */

/**
 * Each part as it comes; throws where the server refuses, or is not there. Aborted, it ends, there
 * too.
 * @param {URL} server  the folder of its endpoints
 * @param {string} model @param {Uint8Array} drawing @param {number | null} label
 * @param {AbortSignal} signal @returns {AsyncGenerator<Found>}
 */
export async function* seek(server, model, drawing, label, signal) {
  const session = `seek-${Math.random().toString(36).slice(2)}`;
  const post = (/** @type {string} */ path, /** @type {object} */ body) => (
    fetch(new URL(path, server), {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, session_hash: session }),
    })
  );
  const answer = await post("call/nearest", { data: [model, base64(drawing), label, 0] });
  const { event_id, error, detail } = await answer.json().catch(() => ({}));
  if (!event_id) throw new Error(error ?? detail ?? `the server answers ${answer.status}`);
  const stop = () => { post("cancel", { event_id, fn_index: 0 }).catch(() => {}); };
  signal.addEventListener("abort", stop);
  try {
    const stream = await fetch(new URL(`call/nearest/${event_id}`, server), { signal });
    for await (const { name, data } of events(stream)) {
      if (name === "error") throw new Error(data?.error ?? "the search broke off");
      if (name === "complete") return;
      if (name === "generating") yield found(data[0]);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** @param {any} part @returns {Found} */
const found = (part) => ({ ...part, pixels: bytes(part.pixels) });

/**
 * Server-sent events: the name and the JSON of each.
 * @param {Response} response @returns {AsyncGenerator<{name: string, data: any}>}
 */
async function* events(response) {
  if (!response.ok || !response.body) throw new Error(`${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the connection ended");
    text += value;
    const whole = text.split(/\r?\n\r?\n/);
    text = whole.pop() ?? "";
    for (const event of whole) {
      const [, name = ""] = /^event: *(.*)$/m.exec(event) ?? [];
      const [, data = "null"] = /^data: *(.*)$/m.exec(event) ?? [];
      yield { name, data: JSON.parse(data) };
    }
  }
}

/**
 * Show that a search goes on, or does not any more.
 * @param {{progress: HTMLProgressElement, button: HTMLElement, words: HTMLElement}} parts
 * @param {boolean} going
 */
export function showSearching({ progress, button, words }, going) {
  progress.hidden = !going;
  progress.value = 0;
  button.textContent = going ? "Stop" : "Search";
  words.ariaLive = going ? "off" : "polite";  // nobody wants each step read out
}
