// Runs two tokens through a model that was just loaded, so that files that do not match are refused at once; inference worker.

import { damaged, ModelError } from '../shared/manifest.js';

/** @import {Manifest} from '../shared/protocol.js' */
/** @import {ModelSession} from './session.js' */

/**
 * Asks the graph for every output, without and with a past, and compares their sizes with what the manifest says.
 * @param {Manifest} manifest
 * @param {ModelSession} session
 * @returns {Promise<void>} rejects with a ModelError if they differ
 */
export async function checkModel(manifest, session) {
  const { inputs, outputs, heads, hidden_size, vocab_size } = manifest;
  const expect = (/** @type {string} */ name, /** @type {number} */ found, /** @type {number} */ wanted) => {
    if (found !== wanted) throw new ModelError(`${name} has ${found} numbers for one token, not ${wanted}`);
  };
  const past = session.emptyPast();
  try {
    const first = await session.forward([0], past);
    const size = (/** @type {string} */ name) => first[name].length;
    expect(outputs.logits, size(outputs.logits), vocab_size);
    if (first[outputs.logits].some(Number.isNaN)) throw new ModelError('its logits are not numbers');
    for (const name of outputs.attentions) expect(name, size(name), heads);
    for (const name of [...outputs.hidden_states, ...(outputs.attention_output ?? []), ...(outputs.mlp_output ?? [])]) expect(name, size(name), hidden_size);
    const lensed = inputs.lens && outputs.lens_logits ? [outputs.lens_logits] : [];
    const lens = { data: new Float32Array(lensed.length * hidden_size), dims: [lensed.length, hidden_size] };
    const second = await session.forward([0], past, { only: [outputs.logits, ...lensed], changes: { lens } });
    for (const name of [outputs.logits, ...lensed]) expect(name, second[name].length, vocab_size);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw damaged(`the files of models/${manifest.id} do not match (${why.slice(0, 200)})`);
  } finally {
    past.release();
  }
}
