// Runs two tokens through a model that has just been loaded, so that files which do not fit together are refused at once;
// runs in the inference worker.

import { ModelError } from '../shared/manifest.js';

/** @import {Manifest} from '../shared/protocol.js' */
/** @import {ModelSession} from './session.js' */

/**
 * Asks the graph for every output, without and with a past, and compares their sizes with what the manifest says.
 * @param {Manifest} manifest
 * @param {ModelSession} session
 * @returns {Promise<void>} rejects with a ModelError where they differ
 */
export async function checkModel(manifest, session) {
  const { inputs, outputs, heads, kv_heads, head_size, hidden_size, vocab_size } = manifest;
  const expect = (/** @type {string} */ name, /** @type {number} */ found, /** @type {number} */ wanted) => {
    if (found !== wanted) throw new ModelError(`${name} has ${found} numbers for one token, not ${wanted}`);
  };
  /** @type {import('./kv_cache.js').Past[]} */
  const pasts = [];
  try {
    const first = await session.forward([0], null);
    pasts.push(first.past);
    const size = (/** @type {string} */ name) => first.outputs[name].length;
    expect(outputs.logits, size(outputs.logits), vocab_size);
    if (first.outputs[outputs.logits].some(Number.isNaN)) throw new ModelError('its logits are not numbers');
    for (const name of outputs.attentions) expect(name, size(name), heads);
    for (const name of [...outputs.hidden_states, ...(outputs.attention_output ?? []), ...(outputs.mlp_output ?? [])]) expect(name, size(name), hidden_size);
    first.past.tensors.forEach(({ size }, i) => expect(outputs.present.flat()[i], size, kv_heads * head_size));
    const lensed = inputs.lens && outputs.lens_logits ? [outputs.lens_logits] : [];
    const second = await session.forward([0], first.past, { only: [outputs.logits, ...lensed], lens: new Float32Array(lensed.length * hidden_size) });
    pasts.push(second.past);
    for (const name of [outputs.logits, ...lensed]) expect(name, second.outputs[name].length, vocab_size);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelError(`The files of models/${manifest.id} do not fit together (${why.slice(0, 200)}): build the model again with python export/build.py.`);
  } finally {
    for (const past of pasts) past.release();
  }
}
