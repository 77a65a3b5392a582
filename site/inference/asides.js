// Reads ids with the model without changing the current run's KV cache, of which it reuses what fits; inference worker.

import { chunkLength } from '../shared/chunks.js';
import { ModelError } from '../shared/manifest.js';
import { interventionInputs, wholes } from './intervention_inputs.js';

/** @import {Interventions, Manifest, RunKey} from '../shared/protocol.js' */
/** @import {KvCache, Past} from './kv_cache.js' */
/** @import {Outputs} from './reader.js' */
/** @import {ModelSession} from './session.js' */

/** One array of all parts. @param {Float32Array[]} parts */
export function joined(parts) {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export class Asides {
  #manifest;
  #session;
  #cache;

  /** @param {Manifest} manifest @param {ModelSession} session @param {KvCache} cache of the current run */
  constructor(manifest, session, cache) {
    this.#manifest = manifest;
    this.#session = session;
    this.#cache = cache;
  }

  /**
   * The past of the positions before one, under the run's interventions; the caller releases it.
   * @param {RunKey} key @param {number[]} ids @param {number} position @param {Interventions} interventions @param {AbortSignal} signal
   */
  before(key, ids, position, interventions, signal) {
    const known = Math.min(this.#cache.common(key, ids), position);
    return this.read(ids.slice(0, position), known, [], signal, () => {}, { interventions });
  }

  /**
   * Reads ids without changing the cache, whose first `known` positions are the same.
   * @param {number[]} ids
   * @param {number} known
   * @param {string[]} only the outputs to return
   * @param {AbortSignal} signal
   * @param {(outputs: Outputs, count: number) => void | Promise<void>} onOutputs called with each chunk's
   * @param {{ interventions?: Interventions, last?: boolean }} [how] last: whether only the last row of a chunk's logits is wanted
   * @returns {Promise<Past>} of all ids; the caller releases it
   */
  async read(ids, known, only, signal, onOutputs, { interventions = {}, last = false } = {}) {
    const past = this.#cache.past.first(known);
    try {
      for (let start = known, count; start < ids.length; start += count) {
        signal.throwIfAborted();
        count = chunkLength(this.#manifest, start, ids.length - start);
        const changes = interventionInputs(interventions, this.#manifest, Array.from({ length: count }, (_, i) => start + i), start + count);
        if (last) changes.logit_rows = wholes([count - 1]);
        await onOutputs(await this.#session.forward(ids.slice(start, start + count), past, { only, changes }), count);
      }
      return past;
    } catch (error) {
      past.release();
      throw error;
    }
  }

  /** The ids of a run that this model has read, prefix included. @param {RunKey} key @param {number} position that is requested */
  idsOf(key, position) {
    if (key.model !== this.#manifest.sha256) throw new ModelError('This text was read with another model. Run it again.');
    const ids = key.prefix === null ? key.ids : [key.prefix, ...key.ids];
    if (position < 0 || position >= ids.length) throw new ModelError(`The text has no position ${position}.`);
    return ids;
  }
}
