/**
 * Animated WebP (developers.google.com/speed/webp/docs/riff_container): the browser encodes each
 * frame, without loss, and they are put into one file here.
 */

import { context } from "./pictures.js";

const LOSSLESS = 1;  // the quality that Chromium and Firefox take as "without loss"
const HEADER = 12;  // bytes: "RIFF", the size, "WEBP"

/** Whether this browser writes WebP at all. */
export async function encodesWebp() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  return (await still(canvas)).type === "image/webp";
}

/**
 * Frames of one size as a file that plays for ever.
 * @param {ImageData[]} frames  opaque @param {number} milliseconds  a frame
 * @returns {Promise<Blob>}
 */
export async function animatedWebp(frames, milliseconds) {
  const [{ width, height }] = frames, canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const size = [...bytes(width - 1, 3), ...bytes(height - 1, 3)], animated = 2;
  const parts = [
    chunk("VP8X", [animated, 0, 0, 0, ...size]),
    chunk("ANIM", [0, 0, 0, 255, 0, 0]),  // over black, for ever
  ];
  for (const frame of frames) {
    context(canvas).putImageData(frame, 0, 0);
    const data = picture(new Uint8Array(await (await still(canvas)).arrayBuffer()));
    const place = [0, 0, 0, 0, 0, 0, ...size], unblended = 2;
    parts.push(chunk("ANMF", [...place, ...bytes(milliseconds, 3), unblended, ...data]));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  const header = [...letters("RIFF"), ...bytes(length, 4), ...letters("WEBP")];
  return new Blob(/** @type {BlobPart[]} */ ([Uint8Array.from(header), ...parts]), {
    type: "image/webp",
  });
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function still(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the frame is not encoded"))),
      "image/webp", LOSSLESS);
  });
}

/** The chunks of a still file that hold its picture. @param {Uint8Array} file */
function picture(file) {
  const kept = [], view = new DataView(file.buffer);
  for (let at = HEADER; at + 8 <= file.length;) {
    const name = String.fromCharCode(...file.subarray(at, at + 4));
    const end = at + 8 + view.getUint32(at + 4, true), padded = end + (end & 1);
    if (["VP8 ", "VP8L", "ALPH"].includes(name)) kept.push(...file.subarray(at, padded));
    at = padded;
  }
  return kept;
}

/** @param {string} name @param {ArrayLike<number>} data */
function chunk(name, data) {
  const whole = new Uint8Array(8 + data.length + (data.length & 1));
  whole.set(letters(name));
  whole.set(bytes(data.length, 4), 4);
  whole.set(data, 8);
  return whole;
}

/** @param {string} text */
const letters = (text) => Array.from(text, (letter) => letter.charCodeAt(0));

/** @param {number} value @param {number} count  of bytes, the lowest first */
const bytes = (value, count) => Array.from({ length: count }, (_, i) => (value >>> (8 * i)) & 255);
