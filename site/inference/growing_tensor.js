// Keys or values of one layer in onnxruntime's memory, to which positions are added in place; inference worker.

import { createTensor, FLOAT32 } from './heap.js';

/** @import {OrtModule} from './ort_module.js' */
/** @typedef {{ address: number, positions: number }} Block [1, head, position, size] in the same memory */

const STEP = 64; // positions: memory is taken for a multiple of it

/** float32 [1, head, position, size]; its owner releases it. */
export class GrowingTensor {
  #module;
  #heads;
  #bytes; // of one head at one position
  #room = 0; // positions that fit
  #handle = 0; // onnxruntime's, made when it is asked for; 0: not made for these positions yet
  address = 0;
  positions = 0;

  /** @param {OrtModule} module @param {number} heads @param {number} size */
  constructor(module, heads, size) {
    this.#module = module;
    this.#heads = heads;
    this.#bytes = 4 * size;
  }

  get handle() {
    const { positions } = this;
    this.#handle ||= createTensor(this.#module, FLOAT32, this.address, [1, this.#heads, positions, this.#bytes / 4], this.#heads * positions * this.#bytes);
    return this.#handle;
  }

  /** Makes room for so many positions in all, so that adding them cannot fail. @param {number} positions */
  reserve(positions) {
    if (positions > this.#room) this.#move(Math.max(positions, Math.ceil(1.25 * this.positions)), this.positions);
  }

  /** Adds the first positions of a block. @param {Block} block @param {number} [count] */
  append(block, count = block.positions) {
    this.reserve(this.positions + count);
    const before = this.positions;
    this.#setPositions(before + count);
    // The last head first, since each one's new place lies over the old one of the next.
    for (let head = this.#heads - 1; head >= 0; head--) {
      const to = head * this.positions;
      this.#copy(this.address, to, this.address, head * before, before);
      this.#copy(this.address, to + before, block.address, head * block.positions, count);
    }
  }

  /** Keeps the first positions only; memory that would mostly lie idle is given back. @param {number} positions */
  keep(positions) {
    const before = this.positions;
    if (2 * positions < this.#room) return this.#move(Math.min(positions, before), Math.min(positions, before));
    if (positions >= before) return;
    this.#setPositions(positions);
    for (let head = 1; head < this.#heads; head++) this.#copy(this.address, head * positions, this.address, head * before, positions);
  }

  /** Forgets all positions and keeps the memory for others. */
  clear() {
    this.#setPositions(0);
  }

  release() {
    this.#setPositions(0);
    this.#module._free(this.address);
    this.address = this.#room = 0;
  }

  /** Moves to memory with room for so many positions, of which the first `kept` are taken along. @param {number} room @param {number} kept */
  #move(room, kept) {
    const whole = Math.ceil(room / STEP) * STEP;
    const address = whole ? this.#module._malloc(this.#heads * whole * this.#bytes) : 0;
    if (whole && !address) throw new Error('out of memory');
    for (let head = 0; head < this.#heads; head++) this.#copy(address, head * kept, this.address, head * this.positions, kept);
    this.#setPositions(kept);
    this.#module._free(this.address);
    this.address = address;
    this.#room = whole;
  }

  /** @param {number} positions */
  #setPositions(positions) {
    if (this.#handle) this.#module._OrtReleaseTensor(this.#handle);
    this.#handle = 0;
    this.positions = positions;
  }

  /**
   * Copies positions of one head between two blocks.
   * @param {number} target its address @param {number} to position from the block's start
   * @param {number} source its address @param {number} from position from the block's start @param {number} count
   */
  #copy(target, to, source, from, count) {
    const bytes = this.#bytes;
    this.#module.HEAPU8.copyWithin(target + to * bytes, source + from * bytes, source + (from + count) * bytes);
  }
}
