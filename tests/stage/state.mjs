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
const side = (classes, names) => new Side(
  { name: "toy", latent_dim: 2, num_classes: classes, class_names: names, image_shape: [1, 1, 1],
    files: {} },
  new URL("file:///"), () => {}, null,
);
const digits = [..."0123456789"], way = (text) => {
  const state = new State();
  state.read(new URLSearchParams(text));
  const query = new URLSearchParams(state.query());
  return [state.via, state.returns, query.getAll("via"), query.get("returns")];
};
console.log(JSON.stringify({
  read: ["class=4", "digit=4", "class=5&digit=4", "class=Red%20cap", ""].map(read),
  ways: ["view=interpolate&via=3&via=a,b&returns=0", "view=interpolate"].map(way),
  seeds: ["seed=999999", "seed=1000000"].map((text) => {
    const state = new State();
    state.read(new URLSearchParams(text));
    return state.seed;
  }),
  offered: [...TEMPLATE.matchAll(/max="(\d{4,})"/g)].map((found) => Number(found[1])),
  labels: [
    [10, digits, "3"], [10, digits, null], [10, digits, "10"], [0, digits, "3"],
    [3, ["b", "3", "a"], "3"],
  ].map(([classes, names, chosen]) => side(classes, names).label(2, chosen)),
}));
