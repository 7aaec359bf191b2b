/** The second view: nine seeds a side, redrawn while a hand moves the controls; a tile is picked. */

import { paintSheet } from "./pictures.js";
import { placeOf } from "./plane.js";

/** @typedef {import("./stage.js").Stage} Stage */

export const COUNT = 9, COLUMNS = 3;

export class Sample {
  /** @param {Stage} stage @param {HTMLElement} element */
  constructor(stage, element) {
    this.stage = stage;
    this.element = element;
    this.sheets = [...element.querySelectorAll(".sheet")].map(
      (sheet) => /** @type {HTMLElement} */ (sheet),
    );
    this.canvases = this.sheets.map((sheet) => /** @type {HTMLCanvasElement} */ (
      sheet.querySelector("canvas")
    ));
    this.actions = /** @type {HTMLElement} */ (element.querySelector(".actions"));
    this.picked = -1;
    this.shown = "";
    this.drawn = "";
    for (const sheet of this.sheets) {
      for (let i = 0; i < COUNT; i++) {
        const tile = document.createElement("button");
        tile.className = "tile";
        tile.type = "button";
        tile.ariaLabel = `Picture ${i + 1}`;
        tile.addEventListener("click", () => this.pick(i));
        sheet.append(tile);
      }
    }
    element.addEventListener("click", (event) => {
      const act = /** @type {HTMLElement} */ (event.target).dataset.act;
      if (act) this.#act(act);
    });
  }

  tick() {
    this.show();
  }

  async show() {
    const { state, sides } = this.stage;
    const awake = sides.filter((side) => side.awake);
    const wanted = [state.seed, state.chosen, state.truncation,
      ...awake.map(({ about }) => about.name)].join();
    if (wanted === this.shown || !awake.length) return;
    this.shown = wanted;
    this.#label();
    const seeds = Array.from({ length: COUNT }, (_, i) => state.seed + i);
    const sheets = await Promise.all(sides.map(async (side, i) => {
      const pixels = side.awake
        ? await side.draw(seeds.map((seed) => side.plane.seed(seed)), state, "sheet") : null;
      if (pixels) paintSheet(this.canvases[i], pixels, side.about.image_shape, COLUMNS);
      return pixels;
    }));
    if (sheets.filter((pixels) => pixels).length < awake.length) {
      if (this.shown === wanted) this.shown = "";  // not overtaken but failed: once more
      return;
    }
    this.drawn = wanted;
    this.stage.moved();
  }

  #label() {
    for (const sheet of this.sheets) {
      sheet.querySelectorAll(".tile").forEach((tile, i) => {
        tile.setAttribute("aria-label", `seed ${this.stage.state.seed + i}`);
        tile.setAttribute("aria-pressed", String(i === this.picked));
      });
    }
    this.actions.hidden = this.picked < 0;
    const label = this.actions.querySelector("strong");
    if (label) label.textContent = `Seed ${this.stage.state.seed + this.picked}`;
  }

  /** @param {number} tile  -1: none */
  pick(tile) {
    this.picked = tile === this.picked ? -1 : tile;
    this.#label();
  }

  /** @param {string} act */
  #act(act) {
    const { state } = this.stage, seed = state.seed + this.picked;
    if (act === "go") {
      this.stage.explore.goToSeed(seed);
      state.go(...placeOf(seed));
      this.stage.open("explore");
    } else if (act === "from" || act === "to") {
      state[act] = seed;
      this.stage.reflect();
      this.stage.say(`Seed ${seed} is the path's ${act === "from" ? "start" : "end"}.`);
    } else if (act === "copy") {
      this.stage.copy(String(seed), `Seed ${seed} is copied.`);
    }
  }
}
