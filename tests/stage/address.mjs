// node address.mjs STAGE: links as the page's parts make and read them, as JSON.
import { pathToFileURL } from "node:url";

const module = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const { addressOf, copy, own } = await module("address");
const { packed, unpacked } = await module("packed");
const at = (href) => { globalThis.location = new URL(href); };
const query = (...named) => [...own(...named)];

at("https://host/some/page?lang=zh&x=5&hide=map&tab=explore&seed=3#top");
const made = addressOf([["tab", "sample"], ["class", "a&b"]]), explore = query("explore");
const other = query("stage", true);
at("https://host/?x=5");
const first = [query("stage", true), query("explore")], bare = addressOf([]);

const z = Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 7.7), text = packed(z);
const back = unpacked(text, 64), far = unpacked(packed(Float32Array.of(99, -99, NaN)), 3);
let clipboard = "";
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { clipboard: {
  writeText: async (words) => { clipboard = words; },
} } });
const copied = [await copy("link"), clipboard];
Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
console.log(JSON.stringify({
  made, explore, other, first, bare, copied: [...copied, await copy("link")],
  text, furthest: Math.max(...z.map((value, i) => Math.abs(value - back[i]))), far: [...far],
  odd: ["", "!", text.slice(4), `${text}AAAA`, "\u4e2d"].map((one) => unpacked(one, 64)),
}));
