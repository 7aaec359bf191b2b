// node recording.mjs STAGE: the recorded way, as numbers, as JSON.
import { pathToFileURL } from "node:url";

const { Recordings } = await import(pathToFileURL(`${process.argv[2]}/recording.js`).href);
const way = new Recordings(
  { x: 3, y: 12, dx: 0.024, dy: 0.01, count: 96, per_second: 12, files: { toy: "toy.png" } },
  new URL("http://host/"),
);
const asked = [];
globalThis.Image = class {
  constructor() { asked.push(this); this.complete = false; }
};
const drawn = [], canvas = { width: 0, height: 0, getContext: () => ({ drawImage: (...at) => drawn.push(at.slice(1)) }) };
const early = [way.show("none", 0, canvas), way.show("toy", 2, canvas)];
Object.assign(asked[0], { complete: true, naturalWidth: 96 * 28, naturalHeight: 28 });
console.log(JSON.stringify({
  frames: [0, 1, 40.4, 95, 95.6, -0.6].map((k) => way.frameAt(way.placeOf(k))),
  beside: way.frameAt([3.1, 12]), velocity: way.velocity,
  leaves: [[95.5, 1], [95.5, -1], [-0.5, -1], [-0.5, 1], [50, 1]].map(
    ([k, sign]) => way.leaves(way.placeOf(k), way.velocity.map((value) => sign * value))),
  shown: [...early, way.show("toy", 2, canvas)], asked: asked.map(({ src }) => src), drawn,
  size: [canvas.width, canvas.height],
}));
