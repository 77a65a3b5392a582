// Estimates what reading a long text will cost, before it starts; main thread.

import { count } from '../frame/format.js';
import { chunkLength, MOST_TOKENS, outputBytes } from '../shared/chunks.js';

/** @import {LoadedModel} from '../shared/protocol.js' */

const WORTH_SAYING = 512; // tokens; shorter texts take less time than reading the notice
/** Bytes of each, as in pyscripts/trace.py. */
export const KEPT = { attention: 160e6, hiddenStates: 110e6, firstHiddenStates: 32e6 };
const STATISTICS = 7; // numbers of every head at every position, in float32
const SHOWN = 16e3; // bytes of a token in the document
const OVERHEAD = 1.1; // of allocators; measured: 0.53 GB for 3,975 tokens of SmolLM2, and 1.0 GB for 8,191

const UNKNOWN = {
  speed: 0, // tokens per second of the latest run that was long enough to measure
  shortest: 0, // seconds of the latest run of less than one pass
};
/** Of each model on its device: another one has another speed. @type {WeakMap<LoadedModel, typeof UNKNOWN>} */
const measured = new WeakMap();
const speedOf = (/** @type {LoadedModel} */ model) => measured.get(model) ?? UNKNOWN;

/** Records the speed of a finished run. @param {LoadedModel} model @param {number} tokens that it read, without reused ones @param {number} milliseconds */
export function noteSpeed(model, tokens, milliseconds) {
  if (tokens < 1) return;
  measured.set(model, { ...speedOf(model), ...(tokens >= MOST_TOKENS ? { speed: (1000 * tokens) / milliseconds } : { shortest: milliseconds / 1000 }) });
}

/** Seconds that a model will take to read so many tokens, by its latest run; 0 before the first. @param {LoadedModel} model @param {number} tokens */
export function secondsFor(model, tokens) {
  const { speed, shortest } = speedOf(model);
  return Math.max(shortest, speed ? tokens / speed : tokens > MOST_TOKENS ? (shortest * tokens) / MOST_TOKENS : 0);
}

/**
 * What reading costs, and what is kept of it.
 * @param {LoadedModel} model
 * @param {number} tokens
 * @param {boolean} prefix whether the prefix token is read before them
 * @returns {string | null} sentences; null for short texts
 */
export function costOf(model, tokens, prefix) {
  const { layers, heads, kv_heads, head_size, hidden_size } = model.manifest;
  if (tokens < WORTH_SAYING) return null;
  const cache = 4 * 2 * layers * kv_heads * head_size * tokens;
  const past = tokens - MOST_TOKENS; // before the last pass, whose outputs are as large as any
  const chunk = outputBytes(model.manifest, past, chunkLength(model.manifest, past, MOST_TOKENS));
  const state = 4 * (layers + 1) * hidden_size; // of one position
  const first = prefix ? 1 : 0;
  const positions = tokens + first;
  const kept = state * positions > KEPT.hiddenStates ? Math.floor(KEPT.firstHiddenStates / state) : positions; // of which hidden states are
  const attention = 2 * layers * heads * positions * positions;
  const statistics = 4 * STATISTICS * layers * heads * tokens;
  // A chunk's outputs are in onnxruntime and on their way; the statistics are there twice when they are joined.
  const keptBytes = state * kept + (attention > KEPT.attention ? 0 : attention);
  const bytes = OVERHEAD * (cache + 2 * chunk + 2 * statistics + keptBytes + SHOWN * tokens);
  const { speed } = speedOf(model);
  const time = speed ? ` and about ${Math.ceil(tokens / speed)} s` : '';
  const limits = [
    ...(attention > KEPT.attention ? ['Attention is not kept; it is computed again when needed.'] : []),
    ...(kept < positions ? [`Hidden states are kept for the first ${count(kept - first)} tokens; others are computed again when needed.`] : []),
  ];
  return [`Reading ${count(tokens)} tokens takes about ${count(Math.round(bytes / 1e7) * 10)} MB of memory${time}.`, ...limits].join(' ');
}
