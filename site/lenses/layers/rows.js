// What the charts by layer share: the height of a layer, so that they align, and the norms with their titles; pure, main thread.

/** Pixels a layer: 12 layers and 30 take about the same room. @param {number} layers */
export const rowHeight = (layers) => Math.max(9, Math.min(24, Math.floor(320 / layers)));

/** @type {Record<string, string>} */
export const QUANTITIES = {
  hidden_norm: 'Hidden state (L2 norm)',
  change_norm: 'Change by the layer',
  attention_norm: 'Added by attention',
  mlp_norm: 'Added by the MLP',
};

/** Names of layers as a chart has room for them. @param {string[]} names */
export const shortNames = (names) => names.map((name) => name.replace('layer ', '').replace('embeddings', 'emb.'));

/** The ends of a palette's scale, in words or as numbers. @param {{ value: number, level: number }[]} stops @param {(value: number) => string} written @param {[string, string]} [words] */
export const keyOf = (stops, written, words) => [stops[0], stops[stops.length - 1]].map(({ value, level }, i) => ({ level, label: words ? words[i] : written(value) }));
