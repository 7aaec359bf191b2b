/** A map of the encoder's latents: a dot a held-out picture, and a hand that wanders between them. */

/**
 * @typedef {{label: number | null, mean: number[], axes: number[][], places: [number, number][],
 *   classes: number[]}} Chart  of demo/atlas.py
 */

const MARGIN = 1.15;  // how far the map goes beyond its outermost dot
const RADIUS = 3.5;  // of a dot, CSS pixels
const DECIMALS = 1000;  // of a place: what is drawn is what a link says
const KEY_STEP = 0.02;  // of the map's width
/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/** A class's colour, as far from its neighbours' as there are classes. @param {number} i @param {number} count */
export const colourOf = (i, count) => `oklch(0.66 0.17 ${Math.round((360 * i) / Math.max(1, count))})`;

export class ChartView {
  /** @param {HTMLCanvasElement} canvas @param {(place: [number, number]) => void} moved */
  constructor(canvas, moved) {
    this.canvas = canvas;
    this.moved = moved;
    /** @type {Chart | null} */
    this.chart = null;
    this.count = 0;  // of classes
    /** @type {[number, number] | null} */
    this.place = null;
    this.pointer = -1;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.#point(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId === this.pointer) this.#point(event);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, () => { this.pointer = -1; });
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** @param {Chart | null} chart @param {number} count  of classes */
  show(chart, count) {
    if (chart !== this.chart) this.place = null;
    [this.chart, this.count] = [chart, count];
    this.draw();
  }

  /** The latents' standard deviation along each axis of the map. */
  get spread() {
    const { places } = /** @type {Chart} */ (this.chart);
    return [0, 1].map((k) => Math.hypot(...places.map((place) => place[k])) / Math.sqrt(places.length));
  }

  /** How many units of the map its half is wide and high. */
  get #half() {
    return MARGIN * Math.max(...(this.chart?.places ?? []).flat().map(Math.abs), 1);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.canvas.getBoundingClientRect(), scale = (2 * this.#half) / box.width;
    this.go([
      (event.clientX - box.left - box.width / 2) * scale,
      (box.height / 2 - event.clientY + box.top) * scale,
    ]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || !this.chart || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = 2 * this.#half * KEY_STEP * (event.shiftKey ? 5 : 1), [x, y] = this.place ?? [0, 0];
    this.go([x + arrow[0] * step, y + arrow[1] * step]);
  }

  /** Wander to a place of the map, or to its edge. @param {[number, number]} place */
  go(place) {
    const half = this.#half;
    const held = (/** @type {number} */ value) => (
      Math.round(Math.min(half, Math.max(-half, value)) * DECIMALS) / DECIMALS
    );
    this.place = [held(place[0]), held(place[1])];
    this.draw();
    this.moved(this.place);
  }

  /** The class of the dot that is nearest to a place. @param {[number, number]} place */
  nearest(place) {
    const { places, classes } = /** @type {Chart} */ (this.chart);
    const away = places.map(([x, y]) => Math.hypot(x - place[0], y - place[1]));
    return classes[away.indexOf(Math.min(...away))];
  }

  draw() {
    const { clientWidth: width } = this.canvas, context = this.canvas.getContext("2d");
    if (!this.chart || !context || !width) return;
    const ratio = globalThis.devicePixelRatio || 1, scale = width / 2 / this.#half;
    this.canvas.width = this.canvas.height = Math.round(width * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const at = (/** @type {[number, number]} */ [x, y]) => (
      /** @type {[number, number]} */ ([width / 2 + x * scale, width / 2 - y * scale])
    );
    this.chart.places.forEach((place, i) => {
      context.fillStyle = colourOf(this.chart?.classes[i] ?? 0, this.count);
      context.beginPath();
      context.arc(...at(place), RADIUS, 0, 2 * Math.PI);
      context.fill();
    });
    if (!this.place) return;
    context.strokeStyle = getComputedStyle(this.canvas).color;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...at(this.place), 9, 0, 2 * Math.PI);
    context.stroke();
  }
}
