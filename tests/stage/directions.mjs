// node directions.mjs STAGE VECTORS: latents moved along directions, as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , stage, vectors] = process.argv;
const { coordinates, latentAt, moved } = await import(
  pathToFileURL(`${stage}/directions.js`).href
);
const { z, axes, places, map, place } = JSON.parse(readFileSync(vectors, "utf8"));
const latent = Float32Array.from(z);
console.log(JSON.stringify({
  at: coordinates(latent, axes), moved: [...moved(latent, axes, places)], kept: [...latent],
  map: [...latentAt(map, place)],
}));
