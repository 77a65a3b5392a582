// Interventions as inputs of the graph, for some queries of a text; the same as in pyscripts/interventions.py; inference worker.

import { isWide } from '../shared/interventions.js';

/** @import {Interventions, Manifest, Variant} from '../shared/protocol.js' */
/** @import {Given} from './heap.js' */

/** @typedef {'head_mask' | 'attention_bias' | 'residual_add' | 'head_output_add' | 'logit_rows' | 'lens' | 'target_ids' | 'direction'} InputName */
/** Inputs by their names in the manifest. @typedef {Partial<Record<InputName, Given>>} Changes */

const CUT = -1e4; // added to a score, it leaves no attention

/** @param {number[]} dims @param {number} [value] */
const filled = (dims, value = 0) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims });

/**
 * The inputs that change nothing.
 * @param {Manifest} manifest @param {number} tokens in each row of the pass @returns {Record<InputName, Given>}
 */
export function neutralInputs(manifest, tokens) {
  const { layers, heads, hidden_size } = manifest;
  return {
    head_mask: filled(isWide(manifest) ? [1, 1, 1, 1] : [layers, heads], 1),
    attention_bias: filled([1, 1, 1, 1]),
    residual_add: filled([1, 1, 1]),
    head_output_add: filled([1, 1, 1]),
    logit_rows: wholes(Array.from({ length: tokens }, (_, i) => i)),
    lens: filled([0, hidden_size]),
    target_ids: wholes([]),
    direction: filled([0, hidden_size]),
  };
}

/** @param {number[]} values */
export const wholes = (values) => ({ data: BigInt64Array.from(values, BigInt), dims: [values.length] });

/**
 * The inputs for queries at `positions` that see `keys` keys; only those that change something.
 * @param {Interventions} interventions @param {Manifest} manifest @param {number[]} positions @param {number} keys
 * @returns {Changes}
 */
export function interventionInputs({ heads: scaled, cut, add }, manifest, positions, keys) {
  const { layers, heads, hidden_size, head_size } = manifest;
  const queries = positions.length;
  /** @type {Changes} */
  const found = {};
  if (scaled) {
    const mask = filled(isWide(manifest) ? [layers, heads, 1, 1] : [layers, heads], 1);
    for (const { layer, head, scale } of scaled) mask.data[layer * heads + head] = scale;
    found.head_mask = mask;
  }
  if (cut) {
    const depth = cut.some((row) => row.layers) ? layers : 1;
    const width = cut.some((row) => row.heads) ? heads : 1;
    const bias = filled([depth, width, queries, keys]);
    const all = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i);
    for (const row of cut) {
      const layersOf = depth > 1 ? (row.layers ?? all(layers)) : [0];
      const headsOf = width > 1 ? (row.heads ?? all(heads)) : [0];
      positions.forEach((position, query) => {
        if (row.query !== null && row.query !== position) return;
        const mine = row.keys.filter((key) => key < position && key < keys);
        for (const layer of layersOf) for (const head of headsOf) for (const key of mine) bias.data[((layer * width + head) * queries + query) * keys + key] = CUT;
      });
    }
    found.attention_bias = bias;
  }
  const stream = add?.filter((row) => row.head === undefined) ?? [];
  if (stream.length) found.residual_add = added(stream, [layers + 1, queries, hidden_size], positions);
  const outputs = add?.filter((row) => row.head !== undefined) ?? [];
  if (outputs.length) found.head_output_add = added(outputs, [layers, queries, heads * head_size], positions);
  return found;
}

/** @param {NonNullable<Interventions['add']>} rows @param {[number, number, number]} dims @param {number[]} positions */
function added(rows, dims, positions) {
  const [, queries, size] = dims;
  const sum = filled(dims);
  for (const { layer, position, head = 0, vector } of rows) {
    positions.forEach((each, query) => {
      if (position !== null && position !== each) return;
      const start = (layer * queries + query) * size + head * vector.length;
      vector.forEach((value, i) => (sum.data[start + i] += value));
    });
  }
  return sum;
}

/**
 * The interventions with a variant's: keys that the position may not look at, heads off, whatever scale they had and whatever was
 * added to them, and vectors added.
 * @param {Interventions} interventions @param {Variant} variant @param {number} position @returns {Interventions}
 */
export function varied(interventions, { heads: off = [], cut, add }, position) {
  const combined = { ...interventions };
  if (off.length) {
    const named = new Set(off.map(([layer, head]) => `${layer}.${head}`));
    const kept = (interventions.heads ?? []).filter(({ layer, head }) => !named.has(`${layer}.${head}`));
    if (interventions.add) combined.add = interventions.add.filter((row) => row.head === undefined || !named.has(`${row.layer}.${row.head}`));
    combined.heads = [...kept, ...off.map(([layer, head]) => ({ layer, head, scale: 0 }))];
  }
  if (cut?.length) combined.cut = [...(interventions.cut ?? []), { query: position, keys: cut }];
  if (add?.length) combined.add = [...(combined.add ?? []), ...add];
  return combined;
}

/**
 * The inputs for one pass of a copy of the tokens at `positions`, the last of a text, for each variant, after a cache of all
 * positions before them. Copies follow each other and see the cache and themselves alone.
 * @param {Interventions} interventions @param {Manifest} manifest @param {number[]} positions @param {Variant[]} variants
 * @returns {Changes}
 */
export function copyInputs(interventions, manifest, positions, variants) {
  const { layers, heads, hidden_size, head_size } = manifest;
  const count = variants.length;
  const width = positions.length;
  const [first] = positions;
  const each = variants.map((variant) => interventionInputs(varied(interventions, variant, positions[width - 1]), manifest, positions, first + width));
  if (count === 1) return each[0];
  const depth = Math.max(...each.map(({ attention_bias: own }) => own?.dims[0] ?? 1));
  const breadth = Math.max(...each.map(({ attention_bias: own }) => own?.dims[1] ?? 1));
  const keys = first + count * width;
  const bias = filled([depth, breadth, count * width, keys], CUT);
  each.forEach(({ attention_bias: own }, copy) => {
    for (let plane = 0; plane < depth * breadth; plane++) {
      const [layer, head] = [Math.floor(plane / breadth), plane % breadth];
      const mine = own ? (own.dims[0] > 1 ? layer : 0) * own.dims[1] + (own.dims[1] > 1 ? head : 0) : 0;
      for (let query = 0; query < width; query++) {
        const to = ((plane * count + copy) * width + query) * keys;
        const from = (mine * width + query) * (first + width);
        for (let key = 0; key < first + width; key++) bias.data[to + key + (key < first ? 0 : copy * width)] = own ? Number(own.data[from + key]) : 0;
      }
    }
  });
  /** @type {Changes} */
  const found = { attention_bias: bias };
  const put = (/** @type {InputName} */ name, /** @type {number[]} */ dims, /** @type {number} */ outer, neutral = 0) => {
    if (each.some((one) => one[name])) found[name] = stacked(each.map((one) => one[name]), dims, outer, width, neutral);
  };
  put('head_mask', [layers, heads, count * width, 1], layers * heads, 1);
  put('residual_add', [layers + 1, count * width, hidden_size], layers + 1);
  put('head_output_add', [layers, count * width, heads * head_size], layers);
  return found;
}

/**
 * Copies' arrays [outer, query or 1, inner] one after the other along the queries.
 * @param {(Given | undefined)[]} each @param {number[]} dims @param {number} outer @param {number} width @param {number} neutral
 */
function stacked(each, dims, outer, width, neutral) {
  const all = filled(dims, neutral);
  const inner = all.data.length / (outer * each.length * width);
  each.forEach((own, copy) => {
    if (!own) return;
    const data = /** @type {Float32Array} */ (own.data);
    const queries = data.length / (outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let query = 0; query < width; query++) {
        const from = (o * queries + (queries > 1 ? query : 0)) * inner;
        all.data.set(data.subarray(from, from + inner), ((o * each.length + copy) * width + query) * inner);
      }
    }
  });
  return all;
}

/**
 * How many copies of `width` tokens from a position on one pass may have, at least 1: copies need positions from position_ids, and
 * may not push the text's first positions out of a sliding window.
 * @param {Manifest} manifest @param {number} position @param {number} most @param {number} [width]
 */
export function copiesAtOnce(manifest, position, most, width = 1) {
  if (!manifest.copies || !isWide(manifest)) return 1;
  const windows = manifest.windows.filter((size) => size !== null);
  return Math.max(1, Math.min(most, ...windows.map((size) => Math.floor((size - position) / width))));
}
