// The KV cache of the last text: keys and values by layer, with the ids they belong to; inference worker.

import { commonLength, sameConditions } from '../shared/run_key.js';
import { GrowingTensor } from './growing_tensor.js';
import { HeapTensor } from './heap.js';

/** @import {Manifest, RunConditions} from '../shared/protocol.js' */
/** @import {OrtModule} from './ort_module.js' */
/** @import {ModelSession} from './session.js' */

const RECENT = 32; // positions at most that are not yet with the others

/**
 * Keys and values of every layer for the same positions; it grows with every pass, and its owner releases it. Adding to a
 * tensor moves all heads but the first, so new positions are collected in small tensors, which the graph takes beside the
 * large ones (export/graph/kv_cache.py).
 */
export class Past {
  #module;
  #manifest;

  /** @param {OrtModule} module @param {Manifest} manifest */
  constructor(module, manifest) {
    this.#module = module;
    this.#manifest = manifest;
    const { layers, kv_heads, head_size } = manifest;
    const tensors = () => Array.from({ length: 2 * layers }, () => new GrowingTensor(module, kv_heads, head_size));
    /** Keys and values of each layer in turn. */
    this.older = tensors();
    this.recent = tensors();
  }

  /** Positions. */
  get length() {
    return this.older[0].positions + this.recent[0].positions;
  }

  get bytes() {
    const { layers, kv_heads, head_size } = this.#manifest;
    return 8 * layers * kv_heads * head_size * this.length;
  }

  /** Takes memory for so many positions in all, so that adding them cannot fail. @param {number} positions */
  reserve(positions) {
    for (const tensor of this.older) tensor.reserve(positions);
    for (const tensor of this.recent) tensor.reserve(Math.min(RECENT, positions));
  }

  /** Adds what a pass returned, one tensor for each of `older`, whose memory was reserved. @param {HeapTensor[]} added [1, kv_head, position, head_size] */
  append(added) {
    const count = added[0].positions;
    const full = this.recent[0].positions + count > RECENT;
    if (full) {
      this.older.forEach((tensor, i) => tensor.append(this.recent[i]));
      for (const tensor of this.recent) tensor.clear();
    }
    const to = full && count > RECENT / 2 ? this.older : this.recent;
    to.forEach((tensor, i) => tensor.append(added[i]));
  }

  /** Keeps the first positions only. @param {number} length */
  keep(length) {
    for (const tensor of this.recent) tensor.keep(Math.max(0, length - this.older[0].positions));
    for (const tensor of this.older) tensor.keep(length);
  }

  /** A copy of the first positions. @param {number} length */
  first(length) {
    const copy = new Past(this.#module, this.#manifest);
    try {
      copy.reserve(length);
      const [older] = this.older;
      copy.older.forEach((tensor, i) => {
        tensor.append(this.older[i], Math.min(length, older.positions));
        if (length > older.positions) tensor.append(this.recent[i], length - older.positions);
      });
      return copy;
    } catch (error) {
      copy.release();
      throw error;
    }
  }

  /**
   * A copy for every row of a batch, as tensors that the caller releases.
   * @param {number} rows
   * @returns {HeapTensor[]} each [row, kv_head, position, head_size]
   */
  repeated(rows) {
    const { kv_heads, head_size } = this.#manifest;
    const whole = this.first(this.length);
    /** @type {HeapTensor[]} */
    const made = [];
    try {
      for (const { address, positions } of whole.older) {
        const tensor = HeapTensor.allocate(this.#module, [rows, kv_heads, positions, head_size]);
        made.push(tensor);
        const bytes = 4 * kv_heads * positions * head_size;
        for (let row = 0; row < rows; row++) this.#module.HEAPU8.copyWithin(tensor.address + row * bytes, address, address + bytes);
      }
      return made;
    } catch (error) {
      for (const tensor of made) tensor.release();
      throw error;
    } finally {
      whole.release();
    }
  }

  /** The numbers of one tensor, [kv_head, position, head_size]. @param {number} index in `older` */
  copyOut(index) {
    const { kv_heads, head_size } = this.#manifest;
    const parts = [this.older[index], this.recent[index]];
    const numbers = new Float32Array(kv_heads * this.length * head_size);
    let at = 0;
    for (let head = 0; head < kv_heads; head++) {
      for (const { address, positions } of parts) {
        const length = positions * head_size;
        numbers.set(new Float32Array(this.#module.HEAPU8.buffer, address + 4 * head * length, length), at);
        at += length;
      }
    }
    return numbers;
  }

  release() {
    for (const tensor of [...this.older, ...this.recent]) tensor.release();
  }
}

export class KvCache {
  /** @type {number[]} prefix included */
  ids = [];
  /** Of the ids. */
  past;
  /** @type {RunConditions | null} what the numbers depend on besides the ids */
  #conditions = null;

  /** @param {ModelSession} session */
  constructor(session) {
    this.past = session.emptyPast();
  }

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
    this.#cut(length);
  }

  /** Drops all positions; what follows is read under the same conditions. */
  clear() {
    this.#cut(0);
  }

  /** Makes room for so many more positions at once, if there is memory; else it is made while they are read. @param {number} more */
  makeRoom(more) {
    try {
      this.past.reserve(this.length + more);
    } catch {
      this.past.keep(this.length); // gives back what was taken
    }
  }

  /** Notes that `ids` were read after the cache, whose past has grown by them. @param {number[]} ids */
  extend(ids) {
    this.ids = this.ids.concat(ids);
  }

  /** @param {number} length */
  #cut(length) {
    this.ids = this.ids.slice(0, length);
    this.past.keep(this.ids.length); // also of positions whose pass failed
  }
}
