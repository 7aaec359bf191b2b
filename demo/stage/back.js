/**
 * The tab Reconstruct: two pictures, each through both models and back, and the way between them. A
 * model that encodes answers at once; of another the nearest picture is searched for on the server.
 */

import { linkRow, own } from "./address.js";
import { bytes } from "./call.js";
import { Row } from "./cell.js";
import { call, pairOf, within } from "./pair.js";
import { paint } from "./pictures.js";
import { Way } from "./way.js";

/**
 * @typedef {import("./address.js").Pairs} Pairs
 * @typedef {import("./cell.js").Source} Source
 * @typedef {import("./pair.js").Pair} Pair
 */

const MOST_BYTES = 4 * 2 ** 20;  // of a file, as the server has it
const ROWS = ["First picture", "Second picture"];
const SLOTS = ["first", "second"];  // as links name them
const MIDDLE = "0.5";  // of the way

const cell = (/** @type {string} */ which) => `<figure data-side="${which}" class="cell">
  <canvas class="picture blank" width="28" height="28" role="img" aria-label="Nothing yet"></canvas>
  <figcaption><span class="name"></span></figcaption>
  <p class="reading error" role="status"></p>
  <div class="row"><button type="button" class="retry" hidden>Try again</button><button type="button" data-act="seek" hidden>Search</button>
    <progress aria-label="Search" hidden></progress></div></figure>`;
const between = (/** @type {string} */ which) => `<figure data-side="${which}">
  <canvas class="picture" width="28" height="28" role="img" aria-label="On the way, ${which} model"></canvas>
  <canvas class="strip" width="202" height="28" role="img" aria-label="The way, ${which} model"></canvas>
  <figcaption><span class="name"></span></figcaption></figure>`;

const TEMPLATE = `
<p class="lead">A picture goes into a model's latent space and comes out again. What is lost on the way, the
  model cannot say. A <b data-kind="variational">VAE</b> has an encoder for the way in; in a
  <b data-kind="adversarial">GAN</b> the latent has to be searched for.</p>
<div class="row choosing" role="radiogroup" aria-label="Which picture to choose">
  ${ROWS.map((name, i) => `<label><input type="radio" name="slot" value="${i}" ${i ? "" : "checked"}>
    ${name}</label>`).join("")}
  <label class="upload"><span>Choose a file</span><input type="file" accept="image/*" aria-label="Choose a file"></label>
  <label><input type="checkbox" name="swap"> Swap light and dark</label>
</div>
<p class="said" role="alert"></p>
<div class="held" role="group" aria-label="Held-out pictures"></div>
<p class="aside heldwords"></p>
${ROWS.map((name) => `<section class="board"><figure class="original"><canvas class="picture" width="28"
  height="28" role="img" aria-label="Nothing yet"></canvas><figcaption>${name}</figcaption><p class="reading"></p></figure>
  ${cell("left")}${cell("right")}</section>`).join("")}
<p class="aside">The error is the root mean square difference, in grey levels of 255; PSNR says the same in
  decibels. A file is decoded in the server's memory and not kept.</p>
<h2>The way between the two</h2>
<p class="aside way" role="status"></p>
<div class="row wide"><input name="at" type="range" min="0" max="1" step="0.01" value="${MIDDLE}"
  aria-label="From the first picture to the second"></div>
<div class="sides">${between("left")}${between("right")}</div>`;

/** @param {import("./pair.js").Facts} facts @param {HTMLElement} place */
export async function begin(facts, place) {
  return new Back(pairOf(facts), await within(place, TEMPLATE));
}

export class Back {
  /** @param {Pair} pair @param {HTMLElement} element */
  constructor(pair, element) {
    this.pair = pair;
    this.element = element;
    this.shown = "";
    this.find = (/** @type {string} */ selector) => (
      /** @type {HTMLElement} */ (element.querySelector(selector))
    );
    const boards = [...element.querySelectorAll(".board")];
    this.ways = [...element.querySelectorAll("figure:has(.strip)")].map(
      (figure, i) => new Way(this, i, /** @type {HTMLElement} */ (figure)),
    );
    this.rows = boards.map((board) => new Row(this, /** @type {HTMLElement} */ (board)));
    this.at = /** @type {HTMLInputElement} */ (this.find("[name=at]"));
    this.at.addEventListener("input", () => this.ways.forEach((way) => way.draw()));
    this.swap = /** @type {HTMLInputElement} */ (this.find("[name=swap]"));
    this.swap.addEventListener("change", () => {
      const { row } = this;
      if (row.source && row.source.index === undefined) this.#take(row, row.source);
    });
    const file = /** @type {HTMLInputElement} */ (this.find("[type=file]"));
    file.addEventListener("change", () => {
      if (file.files?.[0]) this.upload(file.files[0]);
      file.value = "";
    });
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      const [dropped] = event.dataTransfer?.files ?? [];
      if (dropped) this.upload(dropped);
    });
    pair.listeners.add(() => this.reflect());
    /** What a link asks for, until it is shown. */
    this.wanted = own("reconstruct");
    if (this.wanted.has("at")) this.at.value = this.wanted.get("at") ?? MIDDLE;
    linkRow(element, () => this.#query(), () => (
      this.rows.some(({ source }) => source && source.index === undefined)
        ? "Your own picture is not in it." : ""
    ));
  }

  /** What a link says: which held-out pictures, where on the way, and what searches found. @returns {Pairs} */
  #query() {
    const [left, right] = this.pair.sides.map(({ about }) => about.name);
    /** @type {Pairs} */
    const query = [["tab", "reconstruct"], ["left", left], ["right", right]];
    this.rows.forEach(({ source, cells }, i) => {
      if (source?.index === undefined) return;
      query.push([SLOTS[i], String(source.index)]);
      cells.forEach(({ found }, k) => { if (found) query.push([`${SLOTS[i]}found`, `${k}.${found}`]); });
    });
    if (this.at.value !== MIDDLE) query.push(["at", this.at.value]);
    return query;
  }

  /** The row that a picture is being chosen for. */
  get row() {
    const chosen = /** @type {HTMLInputElement} */ (this.find("[name=slot]:checked"));
    return this.rows[Number(chosen.value)];
  }

  /** @param {string} left @param {string} right */
  async show(left, right) {
    this.pair.show(left, right);
    if (this.shown === `${left},${right}`) return;
    this.shown = `${left},${right}`;
    for (const row of this.rows) row.clear();
    const held = await this.#held();
    if (this.shown !== `${left},${right}`) return;
    this.#offer(held);
    const { wanted } = this;
    this.wanted = new URLSearchParams();
    await Promise.all(this.rows.map(async (row, i) => {
      const mine = row.source && row.source.index === undefined ? row.source : null;
      const source = mine ?? held[Number(wanted.get(SLOTS[i]) ?? i)] ?? held[i] ?? row.source;
      if (source) await this.#take(row, source);
      for (const text of wanted.getAll(`${SLOTS[i]}found`)) {
        row.cells[Number(text[0])]?.recall(text.slice(2));
      }
    }));
  }

  /** A picture for a row, or words that say why not. @param {Row} row @param {Source} source */
  async #take(row, source) {
    const say = (/** @type {string} */ words) => { this.find(".said").textContent = words; };
    say("");
    try {
      await row.take(source);
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  }

  reflect() {
    this.element.querySelectorAll("figure[data-side]").forEach((figure) => {
      const { dataset } = /** @type {HTMLElement} */ (figure);
      const side = this.pair.sides[dataset.side === "left" ? 0 : 1];
      if (!side) return;
      dataset.kind = side.about.role;
      const name = figure.querySelector(".name");
      if (name) name.textContent = side.about.name;
    });
    for (const row of this.rows) row.cells.forEach((one) => one.ask());
  }

  /** Held-out pictures of the first side that has some. @returns {Promise<Source[]>} */
  async #held() {
    for (const { about } of this.pair.sides) {
      const found = await call("held_out", about.name).catch(() => null);
      if (!found) continue;
      const [count, ...shape] = found.shape, all = bytes(found.pixels), size = all.length / count;
      return Array.from({ length: count }, (_, i) => {
        const canvas = document.createElement("canvas");
        const pixels = all.slice(i * size, (i + 1) * size);
        paint(canvas, pixels, shape);
        const name = about.class_names[found.labels[i]];
        return { file: canvas.toDataURL("image/png"), pixels, shape, words: name ?? "held out", index: i };
      });
    }
    return [];
  }

  /** @param {Source[]} held */
  #offer(held) {
    this.find(".heldwords").textContent = held.length
      ? "These come from the part of the data set that no model was trained on."
      : "No held-out pictures of this data set are at hand: choose a file.";
    this.find(".held").replaceChildren(...held.map((source) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      button.type = "button";
      button.setAttribute("aria-label", `Take a held-out picture: ${source.words}`);
      if (source.pixels && source.shape) paint(canvas, source.pixels, source.shape);
      button.append(canvas);
      button.addEventListener("click", () => this.#take(this.row, source));
      return button;
    }));
  }

  /** @param {File} file */
  async upload(file) {
    const { row } = this, reader = new FileReader();
    if (file.size > MOST_BYTES) {
      this.find(".said").textContent = "A picture may have 4 MB; make it smaller and try again.";
      return;
    }
    reader.onload = () => this.#take(row, { file: String(reader.result), words: file.name });
    reader.onerror = () => { this.find(".said").textContent = "The file could not be read."; };
    reader.readAsDataURL(file);
  }
}
