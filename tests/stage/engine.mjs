// node engine.mjs STAGE: an engine with a worker that answers when told to; what came out, as JSON.
import { pathToFileURL } from "node:url";

const { Engine } = await import(pathToFileURL(`${process.argv[2]}/engine.js`).href);
const workers = [];
globalThis.Worker = class {
  constructor() {
    this.asked = [];
    this.ended = false;
    workers.push(this);
  }
  postMessage(message) { this.asked.push(message); }
  terminate() { this.ended = true; }
  answer() {
    const { inputs } = this.asked.at(-1);
    this.onmessage({ data: { output: Array.from(inputs[1].data, Number) } });
  }
};
const about = { name: "toy", latent_dim: 2, image_shape: [1, 1, 1], files: {} };
const engine = new Engine(about, new URL("file:///"));
const opened = () => engine.open.set("decoder", Promise.resolve());
const ask = (label, lane) => engine.decode([new Float32Array(2)], [label], lane).then(
  (output) => output && output[0], (error) => error.message,
);
const turn = () => new Promise((resolve) => { setTimeout(resolve); });

opened();
const asked = [ask(0, "stage"), ask(1, "stage"), ask(2, "sheet"), ask(3, "stage")];
await turn();
const underWay = workers[0].asked.length;
for (let i = 0; i < 3; i++) {
  workers[0].answer();
  await turn();
}
const order = workers[0].asked.map(({ inputs }) => Number(inputs[1].data[0]));

const dying = [ask(4, "stage"), ask(5, "sheet")];
await turn();
workers[0].onerror({ message: "out of memory", preventDefault() {} });
const died = await Promise.all(dying);
opened();
const next = ask(6, "stage");
await turn();
workers[1].answer();

// A model that is let go of while its files are on their way: they open nothing any more.
let arrive;
const file = { name: "decoder.onnx", sha256: "" }, gzip = async () => {
  const packed = new Blob([Uint8Array.of(1)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(packed);
};
globalThis.fetch = async (url) => {
  if (String(url).includes("decoder")) await new Promise((resolve) => { arrive = resolve; });
  return gzip();
};
Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
const left = new Engine({ ...about, files: { decoder: file } }, new URL("http://host/"));
const ready = left.ready("decoder").catch((error) => error.message), before = workers.length;
await turn();
workers.at(-1).onmessage({ data: {} });  // it has started
await turn();
left.stop(new Error("another model took its place"));
arrive();
const late = [await ready, workers.length - before, workers.at(-1).ended];
console.log(JSON.stringify({
  underWay, answers: await Promise.all(asked), order, died, ended: workers[0].ended,
  next: await next, late,
}));
