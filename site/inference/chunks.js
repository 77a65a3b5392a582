// How many tokens one forward pass reads, which bounds the size of its outputs for any model; pure, inference worker.

/** @import {Manifest} from '../shared/protocol.js' */

const MOST_TOKENS = 64; // small enough that colours appear while the text is read, large enough to be fast
const MOST_BYTES = 64e6; // of one pass's outputs, of which up to three copies exist: in onnxruntime, in transit and in Python

/**
 * @param {Pick<Manifest, 'layers' | 'heads' | 'hidden_size' | 'vocab_size'>} manifest
 * @param {number} past positions read before
 * @param {number} left tokens still to be read, at least 1
 * @returns {number} at least 1
 */
export function chunkLength({ layers, heads, hidden_size, vocab_size }, past, left) {
  let length = Math.min(MOST_TOKENS, left);
  const bytes = (/** @type {number} */ count) => 4 * count * (vocab_size + layers * heads * (past + count) + (3 * layers + 1) * hidden_size);
  while (length > 1 && bytes(length) > MOST_BYTES) length--;
  return length;
}
