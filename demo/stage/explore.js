/**
 * The first view: both pictures at one place of the plane of seeds. They drift; a hand moves them;
 * let go, they glide on. Until the models are awake a recording of the drift plays.
 */

import { Map2d } from "./map.js";
import { paint } from "./pictures.js";
import { nearest, placeOf } from "./plane.js";
import { Recordings } from "./recording.js";

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./recording.js").Drift} Drift
 * @typedef {import("./recording.js").Recording} Recording
 * @typedef {{id: number, canvas: HTMLCanvasElement, x: number, y: number, scale: number,
 *   time: number}} Hand  the pointer, what it came down on and where it was last
 */

const CELLS_A_PICTURE = 1.5;  // a drag across a picture's whole width
const GLIDE_SECONDS = 0.5;
const KEY_STEP = 0.05;
const SNAP_SECONDS = 0.35;
const FRAME_MS = 30;  // what a picture may take and leave time for others
const APART_MS = 100;  // a model that takes longer is not waited for by the other
/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

export class Explore {
  /** @param {Stage} stage @param {HTMLElement} element @param {Drift} drift */
  constructor(stage, element, drift) {
    this.stage = stage;
    this.recordings = new Recordings(drift, stage.base);
    this.canvases = [...element.querySelectorAll(".picture")].map(
      (canvas) => /** @type {HTMLCanvasElement} */ (canvas),
    );
    const map = /** @type {HTMLCanvasElement} */ (element.querySelector(".map"));
    this.map = new Map2d(map);
    this.velocity = this.recordings.velocity;
    this.speed = Math.hypot(...this.velocity);  // places a second
    if (!stage.state.playing) this.rest();
    this.place = [stage.state.x, stage.state.y];
    /** @type {Hand | null} */
    this.hand = null;
    /** @type {{from: number[], to: number[], began: number} | null} */
    this.flight = null;
    this.snaps = false;
    /** Whether the hand has not moved since it came down. */
    this.still = false;
    this.drawing = [false, false];
    this.filling = [false, false];
    /** What each side's last picture took. */
    this.milliseconds = [0, 0];
    /** What each side shows. */
    this.showing = ["", ""];
    /** The sides that have drawn since the last of `frames`. */
    this.since = /** @type {Set<number>} */ (new Set());
    /** When a picture was drawn by every model that is awake: what the tests and the bench read. */
    this.frames = /** @type {number[]} */ ([]);
    for (const canvas of this.canvases) {
      this.#listen(canvas, () => CELLS_A_PICTURE / canvas.clientWidth, -1);
    }
    this.#listen(map, () => this.map.placesPerPixel, -1);
    map.addEventListener("click", (event) => {
      const { x, y } = stage.state;
      const corner = this.still ? this.map.cornerAt(event.offsetX, event.offsetY, x, y) : null;
      if (corner) this.fly(corner);
    });
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Go on from where recordings play already. @param {Recording} recording */
  takeOver({ recordings, frame }) {
    if (!recordings.size) return;
    this.recordings.sheets = recordings;
    this.place = this.recordings.placeOf(frame);
  }

  /** Which frame of the recording shows the place, if one does. */
  get frame() {
    const { chosen, truncation } = this.stage.state;
    return chosen === null && truncation === 1 ? this.recordings.frameAt(this.place) : null;
  }

  /** @param {number} seconds  since the last tick @param {number} now */
  tick(seconds, now) {
    this.#move(seconds, now);
    this.stage.state.go(this.place[0], this.place[1]);
    this.map.show(this.stage.state.x, this.stage.state.y, this.stage.colours);
    this.show();
    this.#fill();
  }

  /** One more of the map's small pictures a side, while no hand wants all of the time; of a slow
   * model, at rest only. */
  #fill() {
    const { state, sides } = this.stage;
    if (this.hand || this.flight) return;
    sides.forEach(async (side, i) => {
      if (!side.awake || this.filling[i] || (state.playing && this.milliseconds[i] > FRAME_MS)) return;
      const look = [side.about.name, state.chosen, state.truncation].join();
      const seed = this.map.missing(i, look, state.x, state.y);
      if (seed === null) return;
      this.filling[i] = true;
      const pixels = await side.draw([side.plane.seed(seed)], state, "map");
      this.filling[i] = false;
      if (!pixels || side !== sides[i]) return;  // or another model has taken its place
      const picture = document.createElement("canvas");
      paint(picture, pixels, side.about.image_shape);
      this.map.keep(i, seed, { look, picture });
    });
  }

  /** Stop, but remember whither: a drift that begins again goes on that way. */
  rest() {
    this.velocity = this.velocity.map((value) => value * 1e-6);
  }

  /** Whether a picture is being drawn. */
  get busy() {
    return this.drawing.some((drawing) => drawing);
  }

  /** What all models that are awake show, once it is the same. */
  get shown() {
    const shown = this.showing.filter((_, i) => this.stage.sides[i].awake);
    return shown.every((one) => one === shown[0]) ? shown[0] ?? "" : "";
  }

  /** Draw the place, unless it is drawn or being drawn: both sides in step, or each as it can. */
  show() {
    const { state, sides } = this.stage;
    const awake = [0, 1].filter((i) => sides[i].awake);
    const { frame } = this;
    for (const i of frame === null ? [] : [0, 1]) {
      const recorded = !sides[i].awake
        && this.recordings.show(sides[i].about.name, /** @type {number} */ (frame), this.canvases[i]);
      if (recorded) once("duet-recording");
    }
    const wanted = [state.x, state.y, state.chosen, state.truncation,
      ...awake.map((i) => sides[i].about.name)].join();
    const apart = awake.some((i) => this.milliseconds[i] > APART_MS);
    for (const group of apart ? awake.map((i) => [i]) : [awake]) {
      const idle = group.every((i) => !this.drawing[i]);
      if (idle && group.some((i) => this.showing[i] !== wanted)) this.#draw(group, wanted);
    }
  }

  /** @param {number[]} group  of sides @param {string} wanted */
  async #draw(group, wanted) {
    const { state, sides } = this.stage;
    const pictures = await Promise.all(group.map(async (i) => {
      const side = sides[i], began = performance.now();
      this.drawing[i] = true;
      const pixels = await side.draw([side.plane.at(state.x, state.y)], state, "stage");
      this.drawing[i] = false;
      this.milliseconds[i] = performance.now() - began;
      return side === sides[i] ? pixels : null;  // or another model has taken its place
    }));
    group.forEach((i, k) => {
      const pixels = pictures[k];
      if (!pixels) return;
      paint(this.canvases[i], pixels, sides[i].about.image_shape);
      this.showing[i] = wanted;
      this.since.add(i);
      once("duet-model");
    });
    if (sides.some((side, i) => side.awake && !this.since.has(i))) return;
    this.since.clear();
    this.frames.push(performance.now());
    if (this.frames.length > 2000) this.frames.shift();
    this.stage.moved();
  }

  /** @param {[number, number]} place */
  fly(place) {
    this.flight = { from: this.place, to: place, began: performance.now() };
    this.stage.play(false);
  }

  /** @param {number} seconds @param {number} now */
  #move(seconds, now) {
    if (this.flight) {
      const t = Math.min(1, (now - this.flight.began) / 1000 / SNAP_SECONDS);
      const eased = 1 - (1 - t) ** 3, { from, to } = this.flight;
      this.place = from.map((value, i) => value + (to[i] - value) * eased);
      if (t === 1) this.flight = null;
      return;
    }
    if (this.hand) return;
    const speed = Math.hypot(...this.velocity), base = this.stage.state.playing ? this.speed : 0;
    const next = base + (speed - base) * Math.exp(-seconds / GLIDE_SECONDS);
    if (next < 0.01 && !base) return;
    // At rest it has still a direction to start in.
    const direction = speed > 1e-9 ? this.velocity.map((value) => value / speed)
      : this.recordings.velocity.map((value) => value / this.speed);
    this.velocity = direction.map((value) => value * next);
    this.place = this.place.map((value, i) => value + this.velocity[i] * seconds);
    // Where nothing else is shown: at an end of the recording, back again.
    if (this.stage.sides.some((side) => side.awake)) return;
    if (this.recordings.leaves(this.place, this.velocity)) this.velocity = this.velocity.map((value) => -value);
  }

  /**
   * Let a hand move the place.
   * @param {HTMLCanvasElement} canvas @param {() => number} scale  places a pixel
   * @param {number} sign  -1: the plane follows the hand
   */
  #listen(canvas, scale, sign) {
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.#held()) return;  // a second finger moves nothing
      canvas.setPointerCapture(event.pointerId);
      this.flight = null;
      this.rest();
      this.still = true;
      this.hand = {
        id: event.pointerId, canvas, x: event.clientX, y: event.clientY, scale: sign * scale(),
        time: performance.now(),
      };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.hand || this.hand.id !== event.pointerId) return;
      const now = performance.now(), seconds = Math.max(0.001, (now - this.hand.time) / 1000);
      const moved = [event.clientX - this.hand.x, event.clientY - this.hand.y].map(
        (pixels) => pixels * (this.hand?.scale ?? 0),
      );
      this.place = this.place.map((value, i) => value + moved[i]);
      if (Math.hypot(...moved) > 0) this.still = false;
      const keep = Math.exp(-seconds / 0.05);
      this.velocity = this.velocity.map(
        (value, i) => keep * value + (1 - keep) * (moved[i] / seconds),
      );
      Object.assign(this.hand, { x: event.clientX, y: event.clientY, time: now });
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => {
        this.#release(/** @type {PointerEvent} */ (event).pointerId);
      });
    }
  }

  /** Whether a hand is on it. One that has lost its hold (its canvas was moved) is forgotten. */
  #held() {
    return this.hand !== null && this.hand.canvas.hasPointerCapture(this.hand.id);
  }

  /** @param {number} pointer */
  #release(pointer) {
    if (this.hand?.id !== pointer) return;
    const rested = performance.now() - this.hand.time > 100;
    this.hand = null;
    if (rested) this.rest();
    if (this.snaps) this.fly(this.#corner());
  }

  /** @returns {[number, number]} the nearest seed's place, without a jump over the plane's edge */
  #corner() {
    return [Math.round(this.place[0]), Math.round(this.place[1])];
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (!(event.target instanceof HTMLCanvasElement)) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      this.stage.play(false);
      const step = event.shiftKey ? 1 : KEY_STEP;
      this.place = this.place.map((value, i) => value + arrow[i] * step);
    } else if (event.key === " ") {
      this.stage.play(!this.stage.state.playing);
    } else if (event.key === "s") {
      this.fly(this.#corner());
    } else {
      return;
    }
    event.preventDefault();
  }

  /** The nearest seed. */
  get seed() {
    return nearest(this.stage.state.x, this.stage.state.y);
  }

  /** What a screen reader is told when the place is at rest. */
  get words() {
    const { x, y } = this.stage.state;
    return `${x.toFixed(2)}, ${y.toFixed(2)}: nearest is seed ${this.seed}`;
  }

  /** @param {number} seed */
  goToSeed(seed) {
    this.place = placeOf(seed);
    this.stage.play(false);
  }
}

/**
 * Note when something happened first, where browsers' tools and the tests look for it.
 * @param {string} mark
 */
function once(mark) {
  if (!performance.getEntriesByName(mark).length) performance.mark(mark);
}
