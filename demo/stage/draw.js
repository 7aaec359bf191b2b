/**
 * The fourth view: a picture drawn by hand. A model that encodes answers every stroke; of another the
 * nearest picture is sought, where there is a server to do so.
 */

import { EXAMPLES } from "./examples.js";
import { frameOf, reframe, whole } from "./frame.js";
import { Pad } from "./pad.js";
import { blank, paint } from "./pictures.js";
import { read } from "./reader.js";
import { seek, showSearching } from "./seeker.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./side.js").Side} Side
 */

// Sets whose makers framed their pictures as MNIST's did. Of others a drawing is taken as it stands.
const FRAMED = ["mnist"];

export class Draw {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    const find = (/** @type {string} */ selector) => (
      /** @type {HTMLElement} */ (element.querySelector(selector))
    );
    this.board = find(".board");
    this.none = find(".none");
    const canvas = /** @type {HTMLCanvasElement} */ (find(".pad"));
    this.pad = new Pad(canvas, 28, 28, () => this.answers?.forEach((answer) => answer.forget()));
    this.answers = [...element.querySelectorAll("figure[data-side]")].map(
      (figure, i) => new Answer(stage, this.pad, /** @type {HTMLElement} */ (figure), i),
    );
    element.addEventListener("click", (event) => {
      const act = /** @type {HTMLElement} */ (event.target).dataset.act;
      if (act === "clear") this.pad.clear();
      if (act === "undo") this.pad.undo();
      if (act === "example") this.#example();
    });
    const examples = find(".examples");
    for (const [name, strokes] of Object.entries(EXAMPLES)) {
      const button = document.createElement("button"), small = document.createElement("canvas");
      Object.assign(button, { type: "button", title: name });
      button.setAttribute("aria-label", `Draw ${name}`);
      new Pad(small, 28, 28, () => {}).draw(strokes);
      button.append(small);
      button.addEventListener("click", () => this.pad.draw(strokes));
      examples.append(button);
    }
  }

  tick() {
    const able = this.answers.filter((answer) => answer.able);
    const first = able.find(({ side }) => side.encodes) ?? able[0];
    this.board.hidden = !first;
    this.none.hidden = Boolean(first);
    if (!first) return;
    const [, height, width] = first.side.about.image_shape;
    this.pad.fit(height, width);
    for (const answer of this.answers) answer.show();
  }

  /** A picture by the side that cannot encode, for the one that can. */
  async #example() {
    const { sides, state } = this.stage, { height, width } = this.pad;
    const fitting = sides.filter(({ awake, about }) => (
      awake && about.image_shape.join() === [1, height, width].join()
    ));
    const side = fitting.find(({ encodes }) => !encodes) ?? fitting[0];
    const seed = Math.floor(Math.random() * 1000);
    const pixels = await side?.draw([side.plane.seed(seed)], state, "example");
    if (pixels) this.pad.replace(pixels);
  }
}

/** What one side makes of the drawing. */
class Answer {
  /** @param {Stage} stage @param {Pad} pad @param {HTMLElement} figure @param {number} index */
  constructor(stage, pad, figure, index) {
    this.stage = stage;
    this.pad = pad;
    this.index = index;
    this.canvas = /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas"));
    this.words = /** @type {HTMLElement} */ (figure.querySelector(".reading"));
    this.button = /** @type {HTMLButtonElement} */ (figure.querySelector("[data-act=seek]"));
    this.progress = /** @type {HTMLProgressElement} */ (figure.querySelector("progress"));
    this.shown = "";
    this.busy = false;
    /** The class that the drawing was read as. */
    this.read = /** @type {number | null} */ (null);
    this.search = /** @type {AbortController | null} */ (null);
    this.button.addEventListener("click", () => (this.search ? this.stop() : this.seek()));
  }

  /** @returns {Side} */
  get side() {
    return this.stage.sides[this.index];
  }

  /** Whether it has anything to say to a grey drawing. */
  get able() {
    return this.side.about.image_shape[0] === 1 && (this.side.encodes || this.stage.server !== null);
  }

  /** The drawing, or the choice of what it is, is another: what was found belongs to the old one. */
  forget() {
    this.shown = "";
    this.stop();
  }

  stop() {
    this.search?.abort();
    this.search = null;
  }

  /** Bring it in line with the drawing, as far as that takes no search. */
  show() {
    const { side, pad } = this, { chosen } = this.stage.state;
    const wanted = `${side.about.name},${chosen},drawn`;
    if (this.busy || wanted === this.shown) return;
    this.stop();
    this.shown = wanted;
    this.read = null;
    const [channels, height, width] = side.about.image_shape;
    const fits = channels === 1 && height === pad.height && width === pad.width;
    this.button.hidden = !fits || side.encodes || !this.stage.server;
    this.button.disabled = pad.empty;
    if (fits && side.encodes && !pad.empty) {
      this.#answer();
      return;
    }
    blank(this.canvas, [1, height, width]);
    this.words.textContent = this.#idle(fits);
  }

  /** @param {boolean} fits */
  #idle(fits) {
    const { side } = this;
    if (!fits) return "It draws in colour, or in another size.";
    if (side.encodes) return "It answers every stroke.";
    return this.stage.server ? "It cannot read. Its nearest picture can be searched for."
      : "It cannot read; to search for its nearest picture takes a server.";
  }

  async #answer() {
    const { side } = this, { chosen } = this.stage.state;
    const { drawing, back } = this.#framed();
    this.busy = true;
    if (!side.opened("encoder")) this.words.textContent = "Fetching the encoder …";
    try {
      const known = await read(side, drawing, chosen);
      if (!known) return;
      paint(this.canvas, back(known.pixels), side.about.image_shape);
      this.read = known.label;
      this.words.textContent = chosen === null && side.classes.length
        ? `The ${side.about.title} takes it for ${side.classes[known.label]}.` : "";
    } catch (error) {
      console.info(`${side.about.name}: ${error}`);
      this.words.textContent = "The encoder could not be loaded; the next stroke tries again.";
    } finally {
      this.busy = false;
    }
  }

  /** The server's search, shown as it goes. */
  async seek() {
    const { side } = this, search = new AbortController(), { server, state } = this.stage;
    if (!server || this.pad.empty) return;
    const { drawing, back } = this.#framed(), label = side.label(-1, state.chosen);
    this.search = search;
    showSearching(this, true);
    this.words.textContent = "Waiting for its turn …";
    try {
      const parts = seek(server, side.about.name, drawing, label < 0 ? null : label, search.signal);
      for await (const { pixels, step, steps, error, class_name } of parts) {
        if (this.search !== search) return;
        paint(this.canvas, back(pixels), side.about.image_shape);
        this.progress.value = step / steps;
        const found = class_name === null || state.chosen !== null ? "" : `${class_name}, `;
        this.words.textContent = `${step < steps ? "So far" : "The nearest"}: ${found}`
          + `${Math.round(error)} grey levels away.`;
      }
    } catch (error) {
      if (this.search === search) this.words.textContent = `The search failed (${/** @type {Error} */ (error).message}).`;
    } finally {
      if (this.search === search) this.search = null;
      if (!this.search) showSearching(this, false);
    }
  }

  /** The drawing as the model's makers framed theirs, and the way of a picture back onto the pad. */
  #framed() {
    const { pixels, height, width } = this.pad;
    const frame = FRAMED.includes(this.side.about.data) ? frameOf(pixels, height, width)
      : whole(height, width);
    return {
      drawing: reframe(pixels, height, width, frame),
      back: (/** @type {Uint8Array} */ picture) => reframe(picture, height, width, frame, true),
    };
  }
}
