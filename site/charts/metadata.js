// What a saved picture says of itself: written into an SVG's metadata and a PNG's text chunk; pure, any thread.

const NAME = 'Description'; // the keyword of the PNG chunk, one that the PNG specification lists
const SIGNATURE = 8;
const HEADER = 25; // length, type, data and CRC of IHDR, which comes first

/**
 * A PNG with a text in an iTXt chunk after the header.
 * @param {Uint8Array<ArrayBuffer>} png @param {string} text @returns {Uint8Array<ArrayBuffer>}
 */
export function pngWithText(png, text) {
  const data = new TextEncoder().encode(`iTXt${NAME}\0\0\0\0\0${text}`); // not compressed, no language, no translated keyword
  const chunk = new Uint8Array(data.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length - 4);
  chunk.set(data, 4);
  view.setUint32(data.length + 4, crc32(data));
  const at = SIGNATURE + HEADER;
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, at));
  whole.set(chunk, at);
  whole.set(png.subarray(at), at + chunk.length);
  return whole;
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
