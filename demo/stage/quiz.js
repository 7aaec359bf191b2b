/**
 * The fifth view: ten pictures, each real or drawn by one of the models in sight; the visitor says
 * which, and is told in the end how that compares with guessing.
 */

import { make, table } from "./elements.js";
import { AS_IT_IS, draw } from "./latents.js";
import { context, paint } from "./pictures.js";
import { LAST_SEED } from "./plane.js";
import { COUNT, questions, verdict, wilson } from "./round.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./side.js").Side} Side
 * @typedef {{title: string, meaning: string, real: string | null,
 *   models: Record<string, string>}} Telltale
 * @typedef {{file: string, count: number, columns: number, image_shape: [number, number, number],
 *   title: string, credit: string, telltales: Telltale[]}} Real  of one data set, demo/quiz.py
 * @typedef {{maker: number, paint: (canvas: HTMLCanvasElement) => void}} Picture
 */

const REAL = "Real";
const VERDICTS = {
  better: "Better than guessing: the whole interval lies above chance.",
  guessing: "Ten pictures cannot tell this from guessing: chance lies within the interval.",
  worse: "Worse than guessing: the whole interval lies below chance.",
};
const NO_SET = "Choose two models of the same pictures: the quiz compares them with real ones.";
const NO_REAL = "No real pictures of this data set come with the page: its licence does not say that"
  + " they may.";
const WAITING = "The models are waking …";
const FAILED = "The pictures did not come; they are asked for again.";
const AGAIN_MS = 1000;
const GONE = "A model could not be loaded; under Explore it can be tried again.";

export class Quiz {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    this.find = (/** @type {string} */ selector) => (
      /** @type {HTMLElement} */ (element.querySelector(selector))
    );
    this.canvas = /** @type {HTMLCanvasElement} */ (this.find(".question"));
    this.said = "";  // in the place of the game
    this.asked = "";  // the round and the models that the pictures are of, or will be
    /** @type {Picture[]} */
    this.pictures = [];
    /** @type {number[]} */
    this.answers = [];
    element.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest("button");
      if (button?.dataset.maker) this.answer(Number(button.dataset.maker));
      if (button?.dataset.act === "again") this.again(Math.floor(Math.random() * (LAST_SEED + 1)));
      if (button?.dataset.act === "same") this.again(stage.state.round);
    });
    stage.element.addEventListener("keydown", (event) => {
      const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea");
      const other = event.repeat || event.ctrlKey || event.metaKey || event.altKey;
      if (stage.state.view !== "quiz" || typing || other) return;
      const maker = ["1", "2", "3"].indexOf(event.key);
      if (maker >= 0 && maker <= this.models.length) this.answer(maker);
    });
  }

  /** The models that may have made a picture: one, where both sides show the same. */
  get models() {
    const [left, right] = this.stage.sides;
    return left.about.name === right.about.name ? [left] : [left, right];
  }

  /** The names of who may have made a picture, the real ones first. */
  get makers() {
    return [REAL, ...this.models.map(({ about }) => about.name)];
  }

  /** Whose pictures both models learned from. @returns {Real | string}  or why there are none */
  get real() {
    const { datasets, quiz } = this.stage.facts;
    const title = Object.keys(datasets).find((title) => (
      this.models.every(({ about }) => datasets[title].includes(about.name))
    ));
    if (title === undefined) return NO_SET;
    return quiz[title]?.count >= COUNT ? quiz[title] : NO_REAL;
  }

  /** Have the pictures of the round that the state names. */
  tick() {
    const { real } = this, { round } = this.stage.state;
    const wanted = JSON.stringify([round, ...this.makers]);
    if (typeof real === "string") this.#say(real);
    else if (this.models.some((side) => side.gone)) this.#say(GONE);
    else if (!this.models.every((side) => side.awake)) this.#say(WAITING);
    else if (wanted !== this.asked) this.#prepare(real, round, wanted);
    else if (this.pictures.length) this.#say("");
  }

  /** @param {Real} real @param {number} round @param {string} wanted */
  async #prepare(real, round, wanted) {
    this.asked = wanted;
    this.pictures = [];
    this.answers = [];
    if (this.said !== FAILED) this.#say(WAITING);
    try {
      const pictures = await made(real, this.models, round, new URL(real.file, this.stage.base));
      if (this.asked !== wanted) return;
      this.pictures = pictures;
      this.#label(real);
      this.#show();
      this.stage.moved();
    } catch (error) {
      console.info(`quiz: ${error}`);
      if (this.asked !== wanted) return;
      this.#say(FAILED);
      setTimeout(() => { if (this.asked === wanted) this.asked = ""; }, AGAIN_MS);
    }
  }

  /** Words in the place of the game; none: the game. @param {string} words */
  #say(words) {
    const none = this.find(".none");
    if (this.said !== words) none.textContent = words;  // what stands there may be translated
    this.said = words;
    none.hidden = !words;
    this.find(".ask").hidden = Boolean(words) || this.done;
    this.find(".tally").hidden = Boolean(words) || !this.done;
    this.find("[data-act=same]").hidden = Boolean(words) || !this.done;
  }

  get done() {
    return this.answers.length === COUNT;
  }

  /** Who there is to choose from, and whose the real pictures are. @param {Real} real */
  #label(real) {
    this.find(".answers").replaceChildren(...this.makers.map((name, maker) => {
      const data = { maker: String(maker), kind: this.#kind(maker) };
      return make("button", { type: "button", data }, make("kbd", {}, String(maker + 1)), name);
    }));
    this.find(".credit").textContent = real.credit || real.title;
    this.find(".keys").hidden = this.models.length < 2;
  }

  /** @param {number} maker */
  #kind(maker) {
    return maker ? this.models[maker - 1].about.role : "real";
  }

  #show() {
    this.#say("");
    if (this.done) return;
    this.pictures[this.answers.length].paint(this.canvas);
    this.find(".count b").textContent = `${this.answers.length + 1} / ${COUNT}`;
  }

  /** What the visitor says of the picture in sight. @param {number} maker */
  answer(maker) {
    if (!this.pictures.length || this.done) return;
    this.answers.push(maker);
    if (this.done) this.#tally();
    this.#show();
    if (this.done) this.find(".tally h3").focus();
  }

  /** Another round, or the same anew. @param {number} round */
  again(round) {
    this.stage.state.round = round;
    this.asked = "";
    this.find(".answers button")?.focus();
    this.stage.moved();
  }

  #tally() {
    const { makers, pictures, answers } = this, said = (/** @type {number} */ i) => answers[i];
    const right = pictures.filter(({ maker }, i) => maker === said(i)).length;
    this.find(".tally h3 b").textContent = `${right} / ${COUNT}`;
    this.find(".verdict").textContent = VERDICTS[verdict(right, COUNT, makers.length)];
    const [low, high] = wilson(right, COUNT);
    this.find(".tally .wide").replaceChildren(table(["", "Shown", "Recognised"], [
      ...makers.map((name, maker) => {
        const shown = pictures.map((picture, i) => ({ ...picture, i }))
          .filter((picture) => picture.maker === maker);
        return [name, `${shown.length}`, `${shown.filter(({ i }) => said(i) === maker).length}`];
      }),
      ["Your share, and its interval of 95 %", "", `${percent(right / COUNT)} (${percent(low)} – ${percent(high)})`],
      ["By guessing", "", percent(1 / makers.length)],
    ]));
    this.find(".tally ol").replaceChildren(...pictures.map((picture, i) => {
      const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { role: "img" }));
      canvas.setAttribute("aria-label", "Picture");
      picture.paint(canvas);
      const good = picture.maker === said(i);
      return make("li", { data: { kind: this.#kind(picture.maker) } }, canvas,
        make("b", {}, makers[picture.maker]),
        make("small", {}, make("span", {}, good ? "✓ You saw it." : "✗ You said:"),
          good ? "" : ` ${makers[said(i)]}`));
    }));
    this.#telltales();
  }

  #telltales() {
    const { real } = this, names = this.makers.slice(1);
    const known = typeof real === "string" ? [] : real.telltales;
    this.find(".telltales").replaceChildren(known.length ? table(["", REAL, ...names], known.map(
      ({ title, meaning, real: held, models }) => [
        make("span", {}, title, make("small", {}, meaning)), held ?? "–",
        ...names.map((name) => models[name] ?? "–"),
      ],
    )) : make("p", {}, "Nobody has measured these models yet."));
  }
}

/**
 * The pictures of a round.
 * @param {Real} real @param {Side[]} models @param {number} round @param {URL} file
 * @returns {Promise<Picture[]>}
 */
async function made(real, models, round, file) {
  const asked = questions(round, models.length + 1, real.count);
  const sheet = new Image();
  sheet.src = file.href;
  const drawn = await Promise.all(models.map(async (side, i) => {
    const mine = asked.filter(({ maker }) => maker === i + 1);
    if (!mine.length) return { indices: [], pixels: new Uint8Array(0) };
    const { latent_dim: size, num_classes: classes } = side.about;
    const latents = mine.map(({ index }) => draw(round, index, size, classes));
    const pixels = await side.draw(latents, AS_IT_IS, "quiz");
    if (!pixels) throw new Error(`${side.about.name} did not draw`);
    return { indices: mine.map(({ index }) => index), pixels };
  }));
  await sheet.decode();
  return asked.map(({ maker, index }) => ({
    maker,
    paint: (canvas) => {
      if (!maker) return cut(canvas, sheet, real, index);
      const { indices, pixels } = drawn[maker - 1];
      paint(canvas, pixels, models[maker - 1].about.image_shape, indices.indexOf(index));
    },
  }));
}

/**
 * One picture of the sheet.
 * @param {HTMLCanvasElement} canvas @param {HTMLImageElement} sheet @param {Real} real
 * @param {number} index
 */
function cut(canvas, sheet, { columns, image_shape: [, height, width] }, index) {
  Object.assign(canvas, { width, height });
  const x = (index % columns) * width, y = Math.floor(index / columns) * height;
  context(canvas).drawImage(sheet, x, y, width, height, 0, 0, width, height);
}

/** @param {number} share */
const percent = (share) => `${Math.round(100 * share)} %`;
