/**
 * The lessons: six short ones that move the stage step by step. Each is a file of data below
 * lessons/; this is what plays them. How far somebody has come is kept in the browser.
 */

import { make } from "./elements.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {{text: string[], state: string}} Step  paragraphs, and the query of a link to what the
 *   stage shows with them. `{mnist-gan.recall}` stands for a fact or score of a model on offer
 * @typedef {{text: string, right?: boolean, why: string}} Answer
 * @typedef {{title: string, models: string[], steps: Step[], ask: string, answers: Answer[]}} Lesson
 *   a lesson is offered where its models are
 * @typedef {{step: number, done: boolean}} Progress
 */

export const LESSONS = ["latent", "duel", "explaining", "blur", "fid", "copying"];
const KEPT = "duet-lessons";
const STATE = ["view", "x", "y", "seed", "from", "class", "psi"];  // of a link that says more

export class Lessons {
  /** @param {Stage} stage @param {HTMLElement} element  where they are shown */
  constructor(stage, element) {
    this.stage = stage;
    this.element = element;
    this.name = "";  // of the lesson that is open
    this.step = 0;  // the last is the question
    /** @type {Map<string, Lesson>} */
    this.all = new Map();
    element.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest("button");
      if (button) this.#pressed(button);
    });
    const query = new URLSearchParams(location.search), name = query.get("lesson") ?? "";
    if (!LESSONS.includes(name)) return;
    const moves = !STATE.some((key) => query.has(key));
    this.open().then(() => this.go(name, Number(query.get("step") ?? 1) - 1, moves));
  }

  /** The part of the stage's address that is the lessons'. @returns {[string, string][]} */
  get query() {
    return this.name ? [["lesson", this.name], ["step", String(this.step + 1)]] : [];
  }

  /** @returns {Lesson | undefined} */
  get lesson() {
    return this.all.get(this.name);
  }

  toggle() {
    if (this.element.hidden) this.open().then(() => this.list());
    else this.close();
  }

  async open() {
    this.#open(true);
    if (this.all.size) return;
    const modules = await Promise.all(LESSONS.map((name) => import(`./lessons/${name}.js`)));
    const offered = this.stage.facts.models.map(({ name }) => name);
    LESSONS.forEach((name, i) => {
      /** @type {Lesson} */
      const lesson = modules[i].default;
      if (lesson.models.every((model) => offered.includes(model))) this.all.set(name, lesson);
    });
  }

  close() {
    this.name = "";
    this.#open(false);
    this.stage.moved();
  }

  /** @param {boolean} open */
  #open(open) {
    this.element.hidden = !open;
    this.stage.element.querySelector("[data-act=lessons]")?.setAttribute("aria-expanded", String(open));
  }

  /** All of them to choose from. */
  list() {
    this.name = "";
    const progress = read(), intro = this.all.size
      ? "Six short lessons that move the pictures below."
      : "The lessons need the shipped models, which are not on offer here.";
    const items = [...this.all].map(([name, { title, steps }]) => {
      const { step = 0, done = false } = progress[name] ?? {};
      const said = done ? "done" : step ? `step ${step + 1} of ${steps.length + 1}` : "";
      return make("li", {}, make("button", { type: "button", data: { press: name } }, title), make("span", {}, said));
    });
    this.element.replaceChildren(
      make("div", { className: "row head" }, make("strong", {}, "Lessons"), closer()),
      make("p", {}, intro), make("ol", {}, ...items),
    );
    this.stage.moved();
  }

  /**
   * Show a step, and move the stage to it.
   * @param {string} name @param {number} step @param {boolean} [moves]  false: the stage stays
   */
  go(name, step, moves = true) {
    const lesson = this.all.get(name);
    if (!lesson) return this.list();
    this.name = name;
    const last = lesson.steps.length;
    this.step = Math.min(last, Math.max(0, Math.floor(step) || 0));
    write(name, { step: this.step, done: read()[name]?.done ?? false });
    const head = make("div", { className: "row head" },
      make("strong", {}, lesson.title),
      make("span", {}, `step ${this.step + 1} of ${last + 1}`), closer());
    const body = this.step < last ? this.#told(lesson.steps[this.step]) : question(lesson);
    const foot = make("div", { className: "row" },
      make("button", { type: "button", data: { press: "back" }, disabled: !this.step }, "Back"),
      this.step < last
        ? make("button", { type: "button", data: { press: "next" }, className: "primary" }, "Next")
        : make("button", { type: "button", data: { press: "list" }, className: "primary" }, "All lessons"),
      make("button", { type: "button", data: { press: "again" }, hidden: this.step === last }, "Show it again"));
    this.element.replaceChildren(head, ...body, foot);
    if (moves && this.step < last) this.stage.follow(lesson.steps[this.step].state);
    this.stage.moved();
  }

  /** @param {Step} step */
  #told({ text }) {
    return text.map((paragraph) => make("p", {}, this.#filled(paragraph)));
  }

  /** With the facts and scores of the models on offer. @param {string} text */
  #filled(text) {
    return text.replace(/\{([\w-]+)\.(\w+)\}/g, (whole, model, fact) => {
      const about = this.stage.facts.models.find(({ name }) => name === model);
      return about?.scores?.[fact] ?? /** @type {any} */ (about)?.[fact] ?? "?";
    });
  }

  /** @param {HTMLButtonElement} button */
  #pressed(button) {
    const { press = "" } = button.dataset;
    if (press === "close") this.close();
    else if (press === "list") this.list();
    else if (press === "back") this.#turn(-1);
    else if (press === "next") this.#turn(1);
    else if (press === "again") this.stage.follow(this.lesson?.steps[this.step].state ?? "");
    else if (press.startsWith("answer")) this.#answer(button);
    else this.go(press, read()[press]?.done ? 0 : read()[press]?.step ?? 0);
  }

  /** One step on or back; the focus goes along. @param {number} by */
  #turn(by) {
    this.go(this.name, this.step + by);
    const next = this.element.querySelector(".primary");
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }

  /** @param {HTMLButtonElement} button */
  #answer(button) {
    const answer = this.lesson?.answers[Number(button.dataset.press?.slice("answer".length))];
    const why = this.element.querySelector(".why");
    if (!answer || !why) return;
    for (const other of this.element.querySelectorAll(".answers button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    why.replaceChildren(
      make("strong", {}, answer.right ? "Right." : "Not quite."), " ", make("span", {}, answer.why),
    );
    if (answer.right) write(this.name, { step: this.step, done: true });
  }
}

/** @param {Lesson} lesson */
function question({ ask, answers }) {
  return [
    make("p", {}, make("strong", {}, ask)),
    make("div", { className: "answers" }, ...answers.map(({ text }, i) => (
      make("button", { type: "button", data: { press: `answer${i}` } }, text)
    ))),
    make("p", { className: "why", role: "status" }),
  ];
}

const closer = () => make("button", { type: "button", data: { press: "close" }, className: "closer" }, "Close");

/** How far each lesson was read. @returns {Record<string, Progress>} */
function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};  // no storage here, or another's words in it
  }
}

/** @param {string} name @param {Progress} progress */
function write(name, progress) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...read(), [name]: progress }));
  } catch {}  // then it begins at the first step again
}
