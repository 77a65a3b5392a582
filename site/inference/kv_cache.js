// The KV cache of the last text: keys and values by layer, with the ids they belong to; inference worker.

import { commonLength, sameConditions } from '../shared/run_key.js';

/** @import {RunConditions} from '../shared/protocol.js' */
/** @import {HeapTensor} from './heap.js' */

/** Keys and values of every layer for the same positions; its owner releases it. */
export class Past {
  /** @param {HeapTensor[]} tensors each [row, kv_head, position, head_size] */
  constructor(tensors) {
    this.tensors = tensors;
  }

  /** Positions. */
  get length() {
    return this.tensors[0].dims[2];
  }

  get bytes() {
    return this.tensors.reduce((sum, { size }) => sum + 4 * size, 0);
  }

  /** A copy of the first `length` positions. @param {number} length */
  first(length) {
    return this.#copy((tensor) => {
      const [rows, heads, positions, size] = tensor.dims;
      const pieces = Array.from({ length: rows * heads }, (_, head) => /** @type {[number, number, number]} */ ([head * positions * size, head * length * size, length * size]));
      return tensor.rearranged([rows, heads, length, size], pieces);
    });
  }

  /** A copy for every row of a batch. @param {number} rows */
  repeated(rows) {
    return this.#copy((tensor) => {
      const { size, dims } = tensor;
      return tensor.rearranged([rows, ...dims.slice(1)], Array.from({ length: rows }, (_, row) => [0, row * size, size]));
    });
  }

  /** @param {(tensor: HeapTensor) => HeapTensor} copy */
  #copy(copy) {
    /** @type {HeapTensor[]} */
    const made = [];
    try {
      for (const tensor of this.tensors) made.push(copy(tensor));
      return new Past(made);
    } catch (error) {
      for (const tensor of made) tensor.release();
      throw error;
    }
  }

  release() {
    for (const tensor of this.tensors.splice(0)) tensor.release();
  }
}

export class KvCache {
  /** @type {number[]} prefix included */
  ids = [];
  /** @type {Past | null} */
  past = null;
  /** @type {RunConditions | null} what the numbers depend on besides the ids */
  #conditions = null;

  get length() {
    return this.ids.length;
  }

  /** How many leading positions the cache shares with `ids` under these conditions. @param {RunConditions} conditions @param {number[]} ids */
  common(conditions, ids) {
    return this.#conditions && sameConditions(conditions, this.#conditions) ? commonLength(ids, this.ids) : 0;
  }

  /** Keeps only the first `length` positions; what follows is read under these conditions. @param {number} length @param {RunConditions} conditions */
  keep(length, conditions) {
    this.#conditions = conditions;
    if (length >= this.ids.length) return;
    this.#replace(this.pastOf(length));
    this.ids = this.ids.slice(0, length);
  }

  /** Drops all positions; what follows is read under the same conditions. */
  clear() {
    this.#replace(null);
    this.ids = [];
  }

  /** A copy of the first positions, which the caller releases; null if there are none. @param {number} length */
  pastOf(length) {
    return length && this.past ? this.past.first(length) : null;
  }

  /** Takes the cache after `ids` were read after it. @param {number[]} ids @param {Past} past */
  extend(ids, past) {
    this.#replace(past);
    this.ids = this.ids.concat(ids);
  }

  /** @param {Past | null} past */
  #replace(past) {
    this.past?.release();
    this.past = past;
  }
}
