// node words.mjs STAGE: what the table makes of texts, and what of the stage's own texts it lacks.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const stage = process.argv[2], module = (name) => import(pathToFileURL(`${stage}/${name}.js`).href);
const { Table } = await module("words"), { TEMPLATE } = await module("template");
const { LESSONS } = await module("lessons");
const toy = new Table({
  "Seed {number} is copied.": "种子{number}已复制。", "a house": "房子", "Draw {what}": "画{what}",
  "{b} after {a}": "{a}在{b}前", "Draw nothing": "不画", "Right.": "对。", "Empty": "",
});
const texts = JSON.parse(readFileSync(`${stage}/words.zh.json`, "utf8")), zh = new Table(texts);
const lessons = await Promise.all(LESSONS.map((name) => module(`lessons/${name}`)));
const told = lessons.flatMap(({ default: { title, steps, ask, answers } }) => [
  title, ask, ...steps.flatMap(({ text }) => text),
  ...answers.flatMap(({ text, why }) => [text, why]),
]);
const written = [...TEMPLATE.matchAll(/>([^<>]*[A-Za-z]{2}[^<>]*)</g)].map(([, text]) => text);
const named = [...TEMPLATE.matchAll(/(?:aria-label|aria-roledescription|title)="([^"]+)"/g)];
const places = (text) => [...text.matchAll(/\{[^}]+\}/g)].map(([name]) => name).sort().join();
console.log(JSON.stringify({
  toy: ["Seed 12 is copied.", "  Draw a  house\n", "Draw nothing", "Draw Ruth", "x after a house",
    "Right. Seed 3 is copied.", "Right. Who knows?", "mnist-gan", "12.5", "Empty"].map(
    (text) => toy.translate(text)),
  lacking: [...told, ...written, ...named.map(([, text]) => text)].filter(
    (text) => zh.translate(text) === text),
  uneven: Object.entries(texts).filter(([en, cn]) => (
    [...new Set(places(cn).split(","))].some((name) => !places(en).includes(name)))),
}));
