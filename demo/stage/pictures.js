/** Pixels, uint8 [N, C, H, W] as a model answers, onto canvases and into files. */

/** @typedef {[number, number, number]} Shape  channels, height, width */

const BLANK = "blank";  // of the style sheet

/**
 * One picture at its own size; CSS enlarges it with crisp squares.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} pixels @param {Shape} shape
 * @param {number} [index]  which of the batch
 */
export function paint(canvas, pixels, shape, index = 0) {
  const [, height, width] = shape;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.classList.remove(BLANK);
  context(canvas).putImageData(image(pixels, shape, index), 0, 0);
}

/**
 * No picture yet: what is black could be one.
 * @param {HTMLCanvasElement} canvas @param {Shape} shape
 */
export function blank(canvas, [, height, width]) {
  [canvas.width, canvas.height] = [width, height];  // which clears it
  canvas.classList.add(BLANK);
}

/**
 * A batch as a table, row by row, a pixel's gap between the pictures.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} pixels @param {Shape} shape
 * @param {number} columns
 */
export function paintSheet(canvas, pixels, shape, columns) {
  const [channels, height, width] = shape;
  const count = pixels.length / (channels * height * width);
  const size = [columns * (width + 1) - 1, Math.ceil(count / columns) * (height + 1) - 1];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  canvas.classList.remove(BLANK);
  for (let index = 0; index < count; index++) {
    const x = (index % columns) * (width + 1), y = Math.floor(index / columns) * (height + 1);
    context(canvas).putImageData(image(pixels, shape, index), x, y);
  }
}

/** @param {Uint8Array} pixels @param {Shape} shape @param {number} index */
function image(pixels, [channels, height, width], index) {
  const area = height * width, first = index * channels * area;
  const found = new ImageData(width, height);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      found.data[4 * i + c] = pixels[first + (channels === 3 ? c * area : 0) + i];
    }
    found.data[4 * i + 3] = 255;
  }
  return found;
}

/** @param {HTMLCanvasElement} canvas */
export function context(canvas) {
  const found = canvas.getContext("2d", { willReadFrequently: true });
  if (!found) throw new Error("this browser has no canvas to draw on");
  return found;
}

/**
 * Canvases side by side, enlarged with crisp squares, as one picture.
 * @param {HTMLCanvasElement[]} canvases @param {number} scale @returns {HTMLCanvasElement}
 */
export function beside(canvases, scale) {
  const gap = 2 * scale;
  const together = document.createElement("canvas");
  together.width = canvases.reduce((sum, { width }) => sum + width * scale + gap, -gap);
  together.height = Math.max(...canvases.map(({ height }) => height)) * scale;
  const onto = context(together);
  onto.imageSmoothingEnabled = false;
  let x = 0;
  for (const canvas of canvases) {
    onto.drawImage(canvas, x, 0, canvas.width * scale, canvas.height * scale);
    x += canvas.width * scale + gap;
  }
  return together;
}

/**
 * Hand a canvas to the visitor as a PNG file.
 * @param {HTMLCanvasElement} canvas @param {string} name
 */
export async function save(canvas, name) {
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  if (blob instanceof Blob) download(blob, name);
}

/**
 * Hand a file to the visitor.
 * @param {Blob} blob @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
