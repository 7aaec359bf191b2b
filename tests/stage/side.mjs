// node side.mjs STAGE: a side that a server draws, for this is no browser; what came out, as JSON.
import { pathToFileURL } from "node:url";

const module = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const { Side } = await module("side");
const about = {
  name: "toy", latent_dim: 2, num_classes: 3, class_names: ["a", "b", "c"], image_shape: [1, 1, 1],
  files: {}, encodes: true,
};
console.info = () => {};
const asked = [];
let works = true;
globalThis.fetch = async (url, { body }) => {
  const { data } = JSON.parse(body);
  asked.push([new URL(url).pathname, data[0], data.at(-1).length]);
  if (!works) return { ok: false, status: 400, json: async () => ({ error: "too many" }) };
  const [, first, labels] = data;
  return { ok: true, json: async () => ({ data: [url.pathname.endsWith("decode")
    ? { shape: [], pixels: btoa(String.fromCharCode(...labels.map((label) => 10 * label))) }
    : labels.map((label) => [label, atob(first).charCodeAt(0)])] }) };
};
const side = new Side(about, new URL("file:///"), () => {}, new URL("http://host/"));
await side.wake();
const words = [side.awake, side.words];
const latents = Array.from({ length: 100 }, () => ({ z: new Float32Array(2), label: 1 }));
const look = (chosen) => ({ chosen, truncation: 1 });
const many = await side.draw(latents, look("c"), "sheet");
const parts = asked.splice(0);
const overtaken = await Promise.all(["a", "b", "c"].map(
  (name) => side.draw(latents.slice(0, 1), look(name), "stage"),
));
const z = await side.encode(Uint8Array.of(7, 7), [0, 2], "draw");
works = false;
const failed = [await side.draw(latents.slice(0, 1), look(null), "stage"), side.gone];
failed.push(await side.draw(latents.slice(0, 1), look(null), "stage"), side.gone, side.words);
works = true;
await side.retry();
const again = await side.draw(latents.slice(0, 1), look(null), "stage");
globalThis.fetch = async () => ({ ok: false, status: 502, json: async () => JSON.parse("<html>") });
const proxy = await side.engine.encode(Uint8Array.of(7), [0], "draw").catch((error) => error.message);
console.log(JSON.stringify({
  words, parts, many: [many.length, [...new Set(many)]],
  overtaken: overtaken.map((pixels) => pixels && pixels[0]), z: [...z], failed, again: [...again], proxy,
}));
