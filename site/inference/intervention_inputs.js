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
 * The inputs for one pass of a copy of the token at `position` for each variant, after a cache of all positions before it.
 * Copies do not see each other; beside the interventions, each has what its variant leaves out.
 * @param {Interventions} interventions @param {Manifest} manifest @param {number} position @param {Variant[]} variants
 * @returns {Changes}
 */
export function copyInputs(interventions, manifest, position, variants) {
  const { layers, heads } = manifest;
  const count = variants.length;
  const keys = position + count;
  const found = interventionInputs(interventions, manifest, Array(count).fill(position), keys);
  const bias = /** @type {{ data: Float32Array, dims: number[] }} */ (found.attention_bias ?? filled([1, 1, count, keys]));
  for (let plane = 0; plane < bias.dims[0] * bias.dims[1]; plane++) {
    variants.forEach(({ cut = [] }, copy) => {
      const row = (plane * count + copy) * keys;
      for (let other = 0; other < count; other++) if (other !== copy) bias.data[row + position + other] = CUT;
      for (const key of cut) if (key < position) bias.data[row + key] = CUT;
    });
  }
  found.attention_bias = bias;
  if (variants.some(({ heads: off }) => off?.length)) {
    const base = found.head_mask?.data;
    const mask = filled([layers, heads, count, 1], 1);
    for (let i = 0; i < mask.data.length; i++) mask.data[i] = base ? Number(base[Math.floor(i / count)]) : 1;
    variants.forEach(({ heads: off = [] }, copy) => {
      for (const [layer, head] of off) mask.data[(layer * heads + head) * count + copy] = 0;
    });
    found.head_mask = mask;
  }
  return found;
}

/**
 * How many copies one pass may have, at least 1: copies need positions from position_ids, and may not push the text's first
 * positions out of a sliding window.
 * @param {Manifest} manifest @param {number} position @param {number} most
 */
export function copiesAtOnce(manifest, position, most) {
  if (!manifest.copies || !isWide(manifest)) return 1;
  const windows = manifest.windows.filter((width) => width !== null);
  return Math.max(1, Math.min(most, ...windows.map((width) => width - position)));
}

/** The interventions with more heads off, whatever scale they had. @param {Interventions} interventions @param {[number, number][]} off @returns {Interventions} */
export function switchedOff(interventions, off) {
  const named = new Set(off.map(([layer, head]) => `${layer}.${head}`));
  const kept = (interventions.heads ?? []).filter(({ layer, head }) => !named.has(`${layer}.${head}`));
  return { ...interventions, heads: [...kept, ...off.map(([layer, head]) => ({ layer, head, scale: 0 }))] };
}
