/** Animated PNG (W3C, "Portable Network Graphics", third edition, 2025), without loss. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const RGB = 2;

/**
 * Frames of one size as a file that plays for ever.
 * @param {ImageData[]} frames  opaque @param {number} milliseconds  a frame
 * @returns {Promise<Blob>}
 */
export async function animatedPng(frames, milliseconds) {
  const [{ width, height }] = frames;
  const parts = [Uint8Array.from(SIGNATURE)];
  parts.push(chunk("IHDR", [...word(width), ...word(height), 8, RGB, 0, 0, 0]));
  parts.push(chunk("acTL", [...word(frames.length), ...word(0)]));
  let sequence = 0;
  for (const [index, frame] of frames.entries()) {
    parts.push(chunk("fcTL", [
      ...word(sequence++), ...word(width), ...word(height), ...word(0), ...word(0),
      milliseconds >> 8, milliseconds & 255, 1000 >> 8, 1000 & 255, 0, 0,
    ]));
    const data = await deflate(rows(frame));
    parts.push(index ? chunk("fdAT", [...word(sequence++), ...data]) : chunk("IDAT", data));
  }
  parts.push(chunk("IEND", []));
  return new Blob(/** @type {BlobPart[]} */ (parts), { type: "image/png" });
}

/** Rows without their alpha, each after the filter's number: none. @param {ImageData} frame */
function rows({ width, height, data }) {
  const found = new Uint8Array(height * (3 * width + 1));
  let to = 0;
  for (let row = 0; row < height; row++) {
    to++;
    for (let from = 4 * row * width; from < 4 * (row + 1) * width; from += 4) {
      for (let c = 0; c < 3; c++) found[to++] = data[from + c];
    }
  }
  return found;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function deflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {number} value  as four bytes, the highest first */
const word = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** @param {string} name @param {ArrayLike<number>} data */
function chunk(name, data) {
  const whole = new Uint8Array(data.length + 12);
  whole.set(word(data.length));
  whole.set(Array.from(name, (letter) => letter.charCodeAt(0)), 4);
  whole.set(data, 8);
  whole.set(word(crc(whole.subarray(4, data.length + 8))), data.length + 8);
  return whole;
}

/** The cyclic redundancy check of PNG. @param {Uint8Array} bytes */
function crc(bytes) {
  let found = -1;
  for (const byte of bytes) {
    found ^= byte;
    for (let bit = 0; bit < 8; bit++) found = (found >>> 1) ^ (found & 1 ? 0xedb88320 : 0);
  }
  return ~found;
}
