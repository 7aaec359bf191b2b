// node state.mjs STAGE: what addresses say of class and seed, and what models make of it, as JSON.
import { pathToFileURL } from "node:url";

const module = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ State }, { Side }, { TEMPLATE }] = [
  await module("state"), await module("side"), await module("template"),
];
const read = (text) => {
  const state = new State();
  state.read(new URLSearchParams(text));
  return [state.chosen, new URLSearchParams(state.query()).get("class")];
};
const side = (classes) => new Side(
  { name: "toy", latent_dim: 2, num_classes: classes, image_shape: [1, 1, 1], files: {} },
  new URL("file:///"), () => {},
);
console.log(JSON.stringify({
  read: ["class=4", "digit=4", "class=5&digit=4", "class=<b>", "class=-1", "class=1.5", ""].map(read),
  seeds: ["seed=999999", "seed=1000000"].map((text) => {
    const state = new State();
    state.read(new URLSearchParams(text));
    return state.seed;
  }),
  offered: [...TEMPLATE.matchAll(/max="(\d{4,})"/g)].map((found) => Number(found[1])),
  labels: [[10, 3], [10, null], [10, 10], [10, 9999], [0, 3]].map(
    ([classes, chosen]) => side(classes).label(7, chosen),
  ),
}));
