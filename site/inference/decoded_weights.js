// Rebuilds fp32 weights from their stored codes while onnxruntime reads them, a matrix at a time; inference worker.

/** @import {Manifest, StoredPart} from '../shared/protocol.js' */

/** @typedef {NonNullable<Manifest['decode']>} Decode */

/**
 * Stands in for the weights file that the page's graph names. onnxruntime reads its parts with `subarray`, and each part
 * is decoded only then, so that there is never a second copy of the weights. (If onnxruntime folded constants itself, its
 * wasm heap would grow and never shrink again.)
 */
export class DecodedWeights extends Uint8Array {
  /** @type {Decode} */
  #decode;
  /** @type {Uint8Array<ArrayBuffer>} */
  #weights;
  #scratch = new Float32Array(0); // reused: onnxruntime copies each part before it reads the next

  /**
   * @param {Decode} decode the manifest's
   * @param {Uint8Array<ArrayBuffer>} weights weights.bin
   */
  constructor(decode, weights) {
    super(0);
    this.#decode = decode;
    this.#weights = weights;
  }

  /** @override */
  get byteLength() {
    return this.#decode.bytes;
  }

  /** @override @param {number} [start] @param {number} [end] */
  subarray(start = 0, end = 0) {
    const tensor = this.#decode.tensors.find(({ at }) => at === start);
    const size = tensor ? tensor.shape[0] * tensor.shape[1] : NaN;
    if (!tensor || 4 * size !== end - start) throw new RangeError(`no stored weights at ${start}`);
    if (this.#scratch.length < size) this.#scratch = new Float32Array(size);
    decodeTensor(tensor, this.#weights, this.#scratch);
    return /** @type {any} */ (new Uint8Array(this.#scratch.buffer, 0, 4 * size));
  }

  /** Releases all memory at once, without waiting for the garbage collector. */
  free() {
    for (const { buffer } of [this.#scratch, this.#weights]) buffer.transfer?.(0);
  }
}

/**
 * @param {Decode['tensors'][number]} tensor
 * @param {Uint8Array<ArrayBuffer>} weights
 * @param {Float32Array<ArrayBuffer>} values [row, column] flat, filled from its start
 */
export function decodeTensor({ shape: [rows, columns], axis, block, parts }, weights, values) {
  if (parts.half) return values.set(toFloat32(read(parts.half, weights)));
  const codes = read(/** @type {StoredPart} */ (parts.codes), weights);
  const scale = toFloat32(read(/** @type {StoredPart} */ (parts.scale), weights));
  const zero = parts.zero && read(parts.zero, weights);
  // A loop for each kind of scaling: one loop that chose the kind for every code took twice as long.
  const length = axis === 0 ? columns : block;
  for (let from = 0, piece = 0; from < rows * columns; from += length, piece++) {
    const shared = axis === 0 ? Math.floor(piece / block) * columns : piece;
    const to = values.subarray(from, from + length);
    const own = codes.subarray(from, from + length);
    if (axis !== 0) scaleAll(own, zero ? zero[shared] : 0, scale[shared], to);
    else if (zero) scaleShifted(own, zero.subarray(shared, shared + length), scale.subarray(shared, shared + length), to);
    else scaleEach(own, scale.subarray(shared, shared + length), to);
  }
}

/** @typedef {ReturnType<typeof read>} Codes */

/** @param {Codes} codes @param {Codes} zero @param {Float32Array} scale @param {Float32Array} to */
function scaleShifted(codes, zero, scale, to) {
  for (let i = 0; i < to.length; i++) to[i] = (codes[i] - zero[i]) * scale[i];
}

/** @param {Codes} codes @param {Float32Array} scale @param {Float32Array} to */
function scaleEach(codes, scale, to) {
  for (let i = 0; i < to.length; i++) to[i] = codes[i] * scale[i];
}

/** @param {Codes} codes @param {number} zero @param {number} scale @param {Float32Array} to */
function scaleAll(codes, zero, scale, to) {
  for (let i = 0; i < to.length; i++) to[i] = (codes[i] - zero) * scale;
}

/** @param {StoredPart} part @param {Uint8Array<ArrayBuffer>} weights */
function read({ type, at, bytes }, weights) {
  const start = weights.byteOffset + at;
  if (type === 'int8') return new Int8Array(weights.buffer, start, bytes);
  if (type === 'uint8') return new Uint8Array(weights.buffer, start, bytes);
  if (type === 'int16') return new Int16Array(weights.buffer, start, bytes / 2);
  if (type === 'float32') return new Float32Array(weights.buffer, start, bytes / 4);
  return new Uint16Array(weights.buffer, start, bytes / 2); // float16; not every browser has Float16Array
}

/** @param {ReturnType<typeof read>} values float32, or the bits of float16 @returns {Float32Array<ArrayBuffer>} */
function toFloat32(values) {
  if (values instanceof Float32Array) return values;
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
  });
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = halfTable[values[i]];
  return result;
}

/** @type {Float32Array | undefined} */
let halfTable;
