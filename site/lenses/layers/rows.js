// What the charts by layer share: the height of a layer, so that they align, and the norms with their titles; main thread.

import * as state from '../../page/state.js';

/** Pixels for a layer: 12 layers and 30 take about the same room. @param {number} layers */
export const layerHeight = (layers) => Math.max(9, Math.min(24, Math.floor(320 / layers)));

/** @type {Record<string, string>} */
export const QUANTITIES = {
  hidden_norm: 'Hidden state (L2 norm)',
  change_norm: 'Change by the layer',
  attention_norm: 'Added by attention',
  mlp_norm: 'Added by the MLP',
};

/** Whether the model of the run has a logit lens. */
export const hasLens = () => Boolean(state.run.value?.model.lens);

/** What the logit lens says of the prediction after each token. @type {Record<string, string>} */
export const LENS = {
  lens_rank: 'Logit lens: the next token’s rank',
  lens_logprob: 'Logit lens: the next token’s log-probability',
  lens_divergence: 'Logit lens: KL to the final distribution',
};

/** Names of layers, short enough for a chart. @param {string[]} names */
export const shortNames = (names) => names.map((name) => name.replace('layer ', '').replace('embeddings', 'emb.'));
