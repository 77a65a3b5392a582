// How many tokens one forward pass reads, so that its outputs stay within a bound whatever the model; pure, inference worker.

/** @import {Manifest} from '../shared/protocol.js' */

const MOST_TOKENS = 64; // small enough that colours come as the text is read, large enough to be fast
const MOST_BYTES = 64e6; // of one pass's outputs: there are up to three copies, in onnxruntime, on the way and in Python

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
