// Scores the candidates for a blank in batches after the cache of the left context; runs in the inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { ModelError } from '../shared/manifest.js';

/** @import {AnalysisApi, FillInRequest, Manifest, Ranked} from '../shared/protocol.js' */
/** @import {Past} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

const RIGHT = 32; // tokens of the right context that are scored
const BATCH_BYTES = 96e6; // of repeated cache and logits together: bounds the memory of a pass
const BATCH = 16; // most candidates per pass, so that progress is visible and a newer request need not wait long

/**
 * @typedef {{
 *   manifest: Manifest, session: ModelSession, tokenizer: TextTokenizer, analysis: Comlink.Remote<AnalysisApi>,
 *   after: (ids: number[]) => Promise<{ logits: Float32Array<ArrayBuffer>, past: Past }>,
 *   signal: AbortSignal, onProgress: (done: number, all: number) => void
 * }} Tools
 */

/**
 * @param {FillInRequest} request
 * @param {Tools} tools
 * @returns {Promise<Ranked[]>}
 */
export async function rankCandidates({ left, right, words, candidates, count }, { manifest, session, tokenizer, analysis, after, signal, onProgress }) {
  const { prefix, context_length, vocab_size } = manifest;
  const cut = (/** @type {string | number[]} */ text, /** @type {boolean} */ inside, most = Infinity) => (typeof text === 'string' ? tokenizer.encode(text, most, { inside }).ids : text.slice(0, most));
  // “is ___.”: the space belongs to the word, as tokenizers have it.
  const spaced = typeof left === 'string' && left.endsWith(' ');
  const front = [...(prefix ? [prefix.id] : []), ...cut(spaced ? left.slice(0, -1) : left, false)];
  if (!front.length) throw new ModelError('This model has no prefix token: put a word before the blank.');
  const inside = left.length > 0;
  const end = cut(right, true, RIGHT);
  const named = words.map((word) => cut(spaced ? ` ${word}` : word, inside)).filter((ids) => ids.length);
  const longest = Math.max(1, ...[...named, ...candidates].map((ids) => ids.length));
  if (front.length + end.length + longest > context_length) throw new ModelError(`The text around the blank is longer than this model's context of ${context_length} tokens. Shorten it.`);
  const { logits, past } = await after(front);
  try {
    const first = candidates[0] && tokenizer.describe([candidates[0][0]], { inside: true }).text;
    const space = typeof left === 'string' ? spaced || null : first ? first.startsWith(' ') : null;
    const sequences = await analysis.beginFillIn(manifest.sha256, Comlink.transfer(logits, [logits.buffer]), { candidates: unique([...candidates, ...named]), right: end, count, space });
    const width = Math.max(...sequences.map((ids) => ids.length));
    const bytes = past.bytes + 4 * width * vocab_size;
    const size = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / bytes)));
    for (let start = 0; width && start < sequences.length; start += size) {
      signal.throwIfAborted();
      const rows = sequences.slice(start, start + size);
      const scored = await session.score(rows.map((ids) => (ids.length ? ids : [0])), past);
      await analysis.scoreFillIn(start, rows.length, Comlink.transfer(scored, [scored.buffer]));
      onProgress(Math.min(start + size, sequences.length), sequences.length);
    }
    return await analysis.ranking();
  } finally {
    past.release();
  }
}

/** @param {number[][]} lists */
const unique = (lists) => [...new Map(lists.map((ids) => [ids.join(), ids])).values()];
