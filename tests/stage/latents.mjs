// node latents.mjs STAGE VECTORS: how far the browser's latents lie from Python's, as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , stage, vectors] = process.argv;
const load = (name) => import(pathToFileURL(`${stage}/${name}`).href);
const { draw, INTERPOLATIONS } = await load("latents.js");
const { Plane } = await load("plane.js");
const wanted = JSON.parse(readFileSync(vectors, "utf8"));
const apart = (a, b) => {
  if (a.length !== b.length) return Infinity;
  return Math.max(...b.map((value, i) => Math.abs(a[i] - Math.fround(value))));
};
const result = { draw: 0, plane: 0, paths: 0, labels: 0, pairs: wanted.draw.length };
for (const { seed, index, z, label } of wanted.draw) {
  const found = draw(BigInt(seed), BigInt(index), z.length, 10);
  result.draw = Math.max(result.draw, apart(found.z, z));
  result.labels += found.label !== label;
}
for (const { x, y, z, label } of wanted.plane) {
  const found = new Plane(z.length, 10).at(x, y);
  result.plane = Math.max(result.plane, apart(found.z, z));
  result.labels += found.label !== label;
}
for (const { kind, start, end, points } of wanted.paths) {
  points.forEach((point, i) => {
    const weight = i / (points.length - 1);
    const found = INTERPOLATIONS[kind](Float32Array.from(start), Float32Array.from(end), weight);
    result.paths = Math.max(result.paths, apart(found, point));
  });
}
const began = performance.now();
for (let seed = 0; seed < 200; seed++) draw(seed, 0, 64, 10);
result.ms = (performance.now() - began) / 200;
console.log(JSON.stringify(result));
