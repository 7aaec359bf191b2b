/** The recorded drift, which plays until the models are awake: a straight way over the plane. */

/**
 * @typedef {{x: number, y: number, dx: number, dy: number, count: number, per_second: number,
 *   files: Record<string, string>}} Drift  frame k stands at (x + k dx, y + k dy)
 * @typedef {{recordings: Map<string, HTMLImageElement>, frame: number}} Recording  by model, and where
 */

const BESIDE = 0.01;  // places from the way that nobody sees

export class Recordings {
  /** @param {Drift} drift @param {URL} base  which its files are below */
  constructor(drift, base) {
    this.drift = drift;
    this.base = base;
    /** @type {Map<string, HTMLImageElement>} */
    this.sheets = new Map();
  }

  /** Which way it goes, places a second. */
  get velocity() {
    const { dx, dy, per_second } = this.drift;
    return [dx * per_second, dy * per_second];
  }

  /** Where a frame stands. @param {number} frame */
  placeOf(frame) {
    const { x, y, dx, dy } = this.drift;
    return [x + frame * dx, y + frame * dy];
  }

  /** How many frames along the way a place lies. @param {number[]} place */
  along([x, y]) {
    const { drift } = this, { dx, dy } = drift;
    return ((x - drift.x) * dx + (y - drift.y) * dy) / (dx * dx + dy * dy);
  }

  /** The frame of a place on the way; null beside it. @param {number[]} place */
  frameAt(place) {
    const along = this.along(place), [x, y] = this.placeOf(along);
    const on = Math.hypot(place[0] - x, place[1] - y) < BESIDE;
    return on && along > -0.5 && along < this.drift.count - 0.5 ? Math.max(0, Math.round(along)) : null;
  }

  /** Whether who goes on so leaves the way at one of its ends. @param {number[]} place @param {number[]} velocity */
  leaves(place, velocity) {
    const along = this.along(place);
    const heading = velocity[0] * this.drift.dx + velocity[1] * this.drift.dy;
    return (along > this.drift.count - 1 && heading > 0) || (along < 0 && heading < 0);
  }

  /**
   * Show a frame, once its file is there; gives whether it was.
   * @param {string} model @param {number} frame @param {HTMLCanvasElement} canvas
   */
  show(model, frame, canvas) {
    const file = this.drift.files[model];
    if (!file) return false;
    let sheet = this.sheets.get(model);
    if (!sheet) {
      sheet = new Image();
      sheet.src = new URL(file, this.base).href;
      this.sheets.set(model, sheet);
    }
    if (!sheet.complete || !sheet.naturalWidth) return false;
    const height = sheet.naturalHeight, width = sheet.naturalWidth / this.drift.count;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.drawImage(sheet, frame * width, 0, width, height, 0, 0, width, height);
    return true;
  }
}
