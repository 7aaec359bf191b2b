// node round.mjs STAGE: rounds of the quiz, and what tallies say, as JSON.
import { pathToFileURL } from "node:url";

const { COUNT, questions, verdict, wilson } = await import(
  pathToFileURL(`${process.argv[2]}/round.js`).href
);
const rounds = Array.from({ length: 300 }, (_, seed) => questions(seed, 3, 12));
console.log(JSON.stringify({
  count: COUNT,
  again: questions(7, 3, 12),
  rounds,
  two: questions(3, 2, 12).map(({ maker }) => maker),
  wilson: [[0, 10], [5, 10], [10, 10], [81, 263]].map(([right, count]) => wilson(right, count)),
  verdicts: [0, 3, 7, 10].map((right) => verdict(right, 10, 3)),
  worse: verdict(0, 10, 2),
}));
