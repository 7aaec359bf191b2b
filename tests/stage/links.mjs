// node links.mjs STAGE QUERIES: what links say, as the stage reads and would write it, as JSON; and
// each lesson with its steps' states. QUERIES is a JSON list.
import { pathToFileURL } from "node:url";

const [, , stage, queries] = process.argv;
const module = (name) => import(pathToFileURL(`${stage}/${name}.js`).href);
const { State } = await module("state"), { LESSONS } = await module("lessons");
const written = (query) => {
  const state = new State();
  state.read(new URLSearchParams(query));
  return [...new URLSearchParams(state.query())];
};
const lessons = await Promise.all(LESSONS.map((name) => module(`lessons/${name}`)));
console.log(JSON.stringify({
  links: JSON.parse(queries).map(written),
  lessons: Object.fromEntries(LESSONS.map((name, i) => [name, lessons[i].default])),
  states: lessons.flatMap((lesson) => lesson.default.steps.map(({ state }) => [state, written(state)])),
}));
