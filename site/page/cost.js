// Estimates what reading a long text will cost, before it starts; main thread.

/** @import {Manifest} from '../shared/protocol.js' */

const WORTH_SAYING = 512; // tokens; shorter texts take less time than reading the notice
const CHUNK = 64; // tokens per pass, as in inference/reader.js
const KEPT_ATTENTION = 160e6; // bytes, as in pyscripts/trace.py

let speed = 0; // tokens per second of the latest run that was long enough to measure
let shortest = 0; // seconds of the latest run of less than one pass

/** Records the speed of a finished run. @param {number} tokens that it read, without reused ones @param {number} milliseconds */
export function noteSpeed(tokens, milliseconds) {
  if (tokens >= CHUNK) speed = (1000 * tokens) / milliseconds;
  else if (tokens > 0) shortest = milliseconds / 1000;
}

/** Seconds that reading so many tokens will take, by the latest measurement; 0 before the first. @param {number} tokens */
export const secondsFor = (tokens) => Math.max(shortest, speed ? tokens / speed : tokens > CHUNK ? (shortest * tokens) / CHUNK : 0);

/**
 * @param {Manifest} manifest
 * @param {number} tokens
 * @returns {string | null} one sentence; null for short texts
 */
export function costOf({ layers, heads, kv_heads, head_size, hidden_size, vocab_size }, tokens) {
  if (tokens < WORTH_SAYING) return null;
  const cache = 2 * layers * kv_heads * head_size * tokens;
  const chunk = CHUNK * (vocab_size + layers * heads * tokens + (3 * layers + 1) * hidden_size);
  const states = (layers + 1) * hidden_size * tokens;
  const attention = Math.min(layers * heads * tokens * tokens * 4, KEPT_ATTENTION);
  const bytes = 4 * (3 * cache + 3 * chunk + 2 * states) + attention; // copies: worker, wasm, Python
  const time = speed ? ` and about ${Math.ceil(tokens / speed)} s` : '';
  return `Reading ${tokens.toLocaleString('en')} tokens takes about ${(Math.round(bytes / 1e7) * 10).toLocaleString('en')} MB of memory${time}.`;
}
