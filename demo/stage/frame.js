/**
 * A drawing as MNIST's makers framed theirs: its longer side 20 of 28 pixels, its centre of mass in
 * the middle. A model that has only seen digits so reads others badly.
 */

const SHARE = 20 / 28;
const INK = 30;  // fainter than this is no part of the drawing

/**
 * @typedef {{scale: number, x: number, y: number}} Frame  pixel (x, y) of the drawing comes to stand
 *   in the middle, and its surroundings `scale` times as large
 */

/** The drawing as it stands. @param {number} height @param {number} width @returns {Frame} */
export const whole = (height, width) => ({ scale: 1, x: (width - 1) / 2, y: (height - 1) / 2 });

/**
 * @param {Uint8Array} pixels @param {number} height @param {number} width
 * @returns {Frame}
 */
export function frameOf(pixels, height, width) {
  let mass = 0, x = 0, y = 0;
  const rows = [Infinity, -Infinity], columns = [Infinity, -Infinity];
  pixels.forEach((value, i) => {
    const row = Math.floor(i / width), column = i % width;
    mass += value;
    x += value * column;
    y += value * row;
    if (value <= INK) return;
    [rows[0], rows[1]] = [Math.min(rows[0], row), Math.max(rows[1], row)];
    [columns[0], columns[1]] = [Math.min(columns[0], column), Math.max(columns[1], column)];
  });
  if (rows[1] < rows[0]) return whole(height, width);
  const longest = Math.max(rows[1] - rows[0], columns[1] - columns[0]) + 1;
  return { scale: (SHARE * Math.min(height, width)) / longest, x: x / mass, y: y / mass };
}

/**
 * The drawing in its frame, or with `back` a framed picture where the drawing was.
 * @param {Uint8Array} pixels @param {number} height @param {number} width
 * @param {Frame} frame @param {boolean} [back] @returns {Uint8Array}
 */
export function reframe(pixels, height, width, { scale, x, y }, back = false) {
  const found = new Uint8Array(pixels.length), middle = [(width - 1) / 2, (height - 1) / 2];
  for (let i = 0; i < found.length; i++) {
    const column = i % width, row = Math.floor(i / width);
    found[i] = back
      ? between(pixels, height, width, (column - x) * scale + middle[0], (row - y) * scale + middle[1])
      : between(pixels, height, width, (column - middle[0]) / scale + x, (row - middle[1]) / scale + y);
  }
  return found;
}

/**
 * The level between pixels, linearly; 0 outside.
 * @param {Uint8Array} pixels @param {number} height @param {number} width
 * @param {number} x @param {number} y
 */
function between(pixels, height, width, x, y) {
  const left = Math.floor(x), top = Math.floor(y);
  let sum = 0;
  for (const [column, row] of [[left, top], [left + 1, top], [left, top + 1], [left + 1, top + 1]]) {
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    sum += (1 - Math.abs(x - column)) * (1 - Math.abs(y - row)) * pixels[row * width + column];
  }
  return Math.round(sum);
}
