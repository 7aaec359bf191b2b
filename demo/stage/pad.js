/** A pad of a picture's own pixels and a soft brush: mouse, finger, pen. */

import { paint } from "./pictures.js";

const RADIUS = 1.35;  // of the brush, pixels: a pen's stroke as wide as MNIST's
const UNDO = 50;

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} height @param {number} width  in pixels
   * @param {() => void} changed  called after every change
   */
  constructor(canvas, height, width, changed) {
    this.canvas = canvas;
    this.height = height;
    this.width = width;
    this.changed = changed;
    /** @type {Uint8Array} */
    this.pixels = new Uint8Array(height * width);
    /** @type {Uint8Array[]} */
    this.past = [];
    /** @type {[number, number] | null} */
    this.at = null;  // where the pen is, while it is down
    this.pointer = -1;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => {
        if (/** @type {PointerEvent} */ (event).pointerId === this.pointer) this.at = null;
      });
    }
    this.#show();
  }

  get empty() {
    return this.pixels.every((value) => value === 0);
  }

  clear() {
    this.replace(new Uint8Array(this.pixels.length));
  }

  /** @param {Uint8Array} pixels  a whole picture */
  replace(pixels) {
    this.#remember();
    this.pixels = pixels.slice();
    this.#show();
    this.changed();
  }

  /** Another size, empty; none where it is that large already. @param {number} height @param {number} width */
  fit(height, width) {
    if (this.height === height && this.width === width) return;
    Object.assign(this, { height, width, pixels: new Uint8Array(height * width), past: [] });
    this.#show();
  }

  /**
   * A ready-made drawing in the place of what is there.
   * @param {[number, number][][]} strokes  the corners of each, in shares of width and height
   */
  draw(strokes) {
    this.replace(new Uint8Array(this.pixels.length));
    const at = (/** @type {[number, number]} */ [x, y]) => (
      /** @type {[number, number]} */ ([x * this.width, y * this.height])
    );
    for (const stroke of strokes) {
      stroke.forEach((corner, i) => this.#stroke(at(stroke[Math.max(0, i - 1)]), at(corner)));
    }
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.pixels = before;
    this.#show();
    this.changed();
  }

  #remember() {
    this.past.push(this.pixels.slice());
    if (this.past.length > UNDO) this.past.shift();
  }

  #show() {
    paint(this.canvas, this.pixels, [1, this.height, this.width]);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || this.at) return;  // a second finger draws nothing
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.#remember();
    this.at = this.#place(event);
    this.#stroke(this.at, this.at);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.at || event.pointerId !== this.pointer) return;
    const merged = event.getCoalescedEvents?.() ?? [];  // a fast hand's corners
    for (const part of merged.length ? merged : [event]) {
      const to = this.#place(part);
      this.#stroke(this.at, to);
      this.at = to;
    }
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.width,
      ((event.clientY - box.top) / box.height) * this.height,
    ];
  }

  /**
   * Ink each pixel by its distance from the line, softly at the brush's edge.
   * @param {[number, number]} from @param {[number, number]} to
   */
  #stroke([x0, y0], [x1, y1]) {
    const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    for (let row = 0; row < this.height; row++) {
      for (let column = 0; column < this.width; column++) {
        const x = column + 0.5 - x0, y = row + 0.5 - y0;
        const along = length && Math.min(1, Math.max(0, (x * (x1 - x0) + y * (y1 - y0)) / length));
        const distance = Math.hypot(x - along * (x1 - x0), y - along * (y1 - y0));
        const ink = 255 * Math.min(1, Math.max(0, RADIUS + 0.5 - distance));
        const i = row * this.width + column;
        this.pixels[i] = Math.max(this.pixels[i], ink);
      }
    }
    this.#show();
    this.changed();
  }
}
