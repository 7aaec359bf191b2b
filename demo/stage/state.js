/** What the stage shows, and the address that says so. */

import { LAST_SEED } from "./plane.js";

/** @typedef {"explore" | "sample" | "interpolate" | "draw" | "quiz"} View */

export const VIEWS = /** @type {View[]} */ (["explore", "sample", "interpolate", "draw", "quiz"]);
export const KINDS = ["spherical", "linear"];
const OLD_CLASS = "digit";  // as addresses named a class at first
const DECIMALS = 1000;  // of a place: what is drawn is what the address says

export class State {
  constructor() {
    /** @type {View} */
    this.view = "explore";
    this.x = 0;
    this.y = 0;
    /** @type {string | null} */
    this.chosen = null;  // a class; null leaves it to the seed
    this.truncation = 1;
    this.playing = true;
    this.seed = 0;
    this.round = Math.floor(Math.random() * (LAST_SEED + 1));  // the quiz's seed
    this.from = 3;
    this.to = 8;
    this.kind = "spherical";
    this.weight = 0.5;
    /** @type {string[]} */
    this.via = [];  // the classes that a path passes, in this order; none: its ends' own
    this.through = false;  // as addresses said at first: all classes
    this.returns = true;  // there and back
    this.left = "";
    this.right = "";
  }

  /** @param {number} x @param {number} y */
  go(x, y) {
    this.x = Math.round(x * DECIMALS) / DECIMALS;
    this.y = Math.round(y * DECIMALS) / DECIMALS;
  }

  /**
   * Take what an address says and can be understood; a place that is named is looked at.
   * @param {URLSearchParams} query
   */
  read(query) {
    const number = (/** @type {string} */ name, /** @type {number} */ low, /** @type {number} */ high,
      /** @type {number} */ otherwise) => {
      const value = query.get(name) ? Number(query.get(name)) : NaN;
      return value >= low && value <= high ? value : otherwise;
    };
    if (query.has("x") || query.has("y")) this.playing = false;
    this.go(number("x", -1e6, 1e6, this.x), number("y", -1e6, 1e6, this.y));
    this.chosen = query.get("class") ?? query.get(OLD_CLASS);
    this.truncation = number("psi", 0, 1, this.truncation);
    this.weight = number("at", 0, 1, this.weight);
    for (const name of /** @type {const} */ (["seed", "round", "from", "to"])) {
      this[name] = Math.floor(number(name, 0, LAST_SEED, this[name]));
    }
    this.view = VIEWS.find((view) => view === query.get("view")) ?? this.view;
    this.kind = KINDS.find((kind) => kind === query.get("kind")) ?? this.kind;
    this.via = [...new Set(query.getAll("via"))];
    this.through = query.get("through") === "1";
    this.returns = query.get("returns") !== "0";
    this.left = query.get("left") ?? this.left;
    this.right = query.get("right") ?? this.right;
  }

  /** The query that `read` understands: what the view in sight needs. */
  query() {
    const query = new URLSearchParams();
    if (this.view !== "explore") query.set("view", this.view);
    if (this.view === "explore") {
      query.set("x", String(this.x));
      query.set("y", String(this.y));
    }
    if (this.view === "sample") query.set("seed", String(this.seed));
    if (this.view === "quiz") query.set("round", String(this.round));
    if (this.view === "interpolate") {
      query.set("from", String(this.from));
      query.set("to", String(this.to));
      query.set("at", String(this.weight));
      if (this.kind !== KINDS[0]) query.set("kind", this.kind);
      if (!this.returns) query.set("returns", "0");
      for (const name of this.via) query.append("via", name);
    }
    if (this.chosen !== null) query.set("class", this.chosen);
    if (this.truncation !== 1) query.set("psi", String(this.truncation));
    query.set("left", this.left);
    query.set("right", this.right);
    return query.toString();
  }
}
