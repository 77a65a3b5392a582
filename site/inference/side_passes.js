// Passes of the model beside a run, for one position, one layer or a blank; the KV cache is read, never changed; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { ModelError } from '../shared/manifest.js';
import { conditionsOf } from '../shared/run_key.js';
import { chunkLength } from './chunks.js';
import { rankCandidates } from './fill_in.js';

/** @import {AnalysisApi, FillInRequest, Manifest, Ranked, RunKey} from '../shared/protocol.js' */
/** @import {KvCache, Past} from './kv_cache.js' */
/** @import {Outputs} from './reader.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

export class SidePasses {
  #manifest;
  #session;
  #tokenizer;
  #analysis;
  #cache;

  /**
   * @param {Manifest} manifest
   * @param {ModelSession} session
   * @param {TextTokenizer} tokenizer
   * @param {Comlink.Remote<AnalysisApi>} analysis
   * @param {KvCache} cache of the runs
   */
  constructor(manifest, session, tokenizer, analysis, cache) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#analysis = analysis;
    this.#cache = cache;
  }

  /**
   * Runs one position of a run again, with every layer's residual stream through the lens.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number} position counts the prefix token
   * @param {AbortSignal} signal
   */
  async inspect(runId, key, position, signal) {
    const { outputs, inputs } = this.#manifest;
    const ids = this.#idsOf(key, position);
    const lens = inputs.lens ? (await this.#analysis.lensRows(runId, position)).data : undefined;
    const only = lens && outputs.lens_logits ? [outputs.logits, outputs.lens_logits] : [outputs.logits];
    const known = Math.min(this.#cache.common(key, ids), position);
    const past = await this.#aside(ids.slice(0, position), known, [outputs.logits], signal, () => {});
    try {
      const result = await this.#session.forward([ids[position]], past, { only, lens: /** @type {Float32Array} */ (lens) });
      result.past.release();
      const lensLogits = outputs.lens_logits && lens ? result.outputs[outputs.lens_logits] : null;
      await this.#analysis.inspected(runId, position, result.outputs[outputs.logits], lensLogits);
    } finally {
      past?.release();
    }
  }

  /**
   * Computes attention of a run again, for texts whose matrices are too large to keep.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number[] | null} layers null: all of them, to survey what each head does; they are not kept
   * @param {AbortSignal} signal
   */
  async attention(runId, key, layers, signal) {
    const all = this.#manifest.outputs.attentions;
    const names = layers ? layers.map((layer) => all[layer]) : all;
    await this.#analysis.beginAttention(runId, layers);
    const past = await this.#aside(this.#idsOf(key, 0), 0, names, signal, (outputs, count) => {
      const parts = names.map((name) => outputs[name]);
      return this.#analysis.addAttention(runId, count, Comlink.transfer(parts, parts.map(({ buffer }) => buffer)));
    });
    past?.release();
    await this.#analysis.finishAttention(runId);
  }

  /**
   * Ranks candidates for a blank; the current run is not changed.
   * @param {FillInRequest} request
   * @param {AbortSignal} signal
   * @param {(done: number, all: number) => void} onProgress candidates scored
   * @returns {Promise<Ranked[]>}
   */
  fillIn(request, signal, onProgress) {
    const after = (/** @type {number[]} */ ids) => this.#after(ids, signal);
    const model = { manifest: this.#manifest, session: this.#session, tokenizer: this.#tokenizer, analysis: this.#analysis };
    return rankCandidates(request, { ...model, after, signal, onProgress });
  }

  /**
   * The logits and past after some ids, reusing the cache as far as it matches; the cache is not changed.
   * @param {number[]} ids at least one, prefix included
   * @param {AbortSignal} signal
   * @returns {Promise<{ logits: Float32Array<ArrayBuffer>, past: Past }>} logits [vocab] of the token that follows;
   *   the caller releases the past
   */
  async #after(ids, signal) {
    const { outputs, vocab_size } = this.#manifest;
    const key = conditionsOf(this.#manifest);
    const known = Math.min(this.#cache.common(key, ids), ids.length - 1);
    let logits = new Float32Array(0);
    const past = await this.#aside(ids, known, [outputs.logits], signal, (chunk) => {
      logits = chunk[outputs.logits].slice(-vocab_size);
    });
    return { logits, past: /** @type {Past} */ (past) };
  }

  /**
   * Reads ids without changing the cache, whose first `known` positions are the same.
   * @param {number[]} ids
   * @param {number} known
   * @param {string[]} only the outputs to return
   * @param {AbortSignal} signal
   * @param {(outputs: Outputs, count: number) => void | Promise<void>} onOutputs called with each chunk's
   * @returns {Promise<Past | null>} of all ids; the caller releases it
   */
  async #aside(ids, known, only, signal, onOutputs) {
    let past = this.#cache.pastOf(known);
    try {
      for (let start = known, count; start < ids.length; start += count) {
        signal.throwIfAborted();
        count = chunkLength(this.#manifest, start, ids.length - start);
        const result = await this.#session.forward(ids.slice(start, start + count), past, { only });
        past?.release();
        past = result.past;
        await onOutputs(result.outputs, count);
      }
      return past;
    } catch (error) {
      past?.release();
      throw error;
    }
  }

  /** The ids of a run that this model has read, prefix included. @param {RunKey} key @param {number} position that is requested */
  #idsOf(key, position) {
    if (key.model !== this.#manifest.sha256) throw new ModelError('This text was read with another model. Run it again.');
    const ids = key.prefix === null ? key.ids : [key.prefix, ...key.ids];
    if (position < 0 || position >= ids.length) throw new ModelError(`The text has no position ${position}.`);
    return ids;
  }
}
