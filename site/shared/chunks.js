// How many tokens one forward pass reads, which bounds the size of its outputs for any model; pure, both threads.

/** @import {Manifest} from './protocol.js' */
/** @typedef {Pick<Manifest, 'layers' | 'heads' | 'hidden_size' | 'vocab_size'>} Sizes */

export const MOST_TOKENS = 64; // small enough that colours appear while the text is read, large enough to be fast
const MOST_BYTES = 64e6; // of one pass's outputs, of which up to three copies exist: in onnxruntime, in transit and in Python

/**
 * @param {Sizes} manifest
 * @param {number} past positions read before
 * @param {number} left tokens still to be read, at least 1
 * @returns {number} at least 1
 */
export function chunkLength(manifest, past, left) {
  let length = Math.min(MOST_TOKENS, left);
  while (length > 1 && outputBytes(manifest, past, length) > MOST_BYTES) length--;
  return length;
}

/** Of the outputs of a pass. @param {Sizes} manifest @param {number} past positions read before @param {number} count tokens that it reads */
export const outputBytes = ({ layers, heads, hidden_size, vocab_size }, past, count) => 4 * count * (vocab_size + layers * heads * (past + count) + (3 * layers + 1) * hidden_size);
