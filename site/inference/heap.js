// Keeps the KV cache in onnxruntime's own memory instead of copying it out and in at every token; inference worker.
// onnxruntime-web's run() copies all tensors both ways, so this calls the functions below it. They are not a documented
// interface, but the version is pinned and every browser test uses them.

/** @import {OrtModule} from './ort_module.js' */

export const FLOAT32 = 1; // of onnx.TensorProto.DataType
const INT64 = 7;
const CPU = 1; // onnxruntime-web's DataLocation

/** @typedef {{ data: Float32Array | BigInt64Array, dims: number[] }} Given a tensor to copy in */
/** @typedef {(lengths: number[]) => Float32Array<ArrayBuffer>[] | Promise<Float32Array<ArrayBuffer>[]>} Arrays of those lengths */

const product = (/** @type {number[]} */ sizes) => sizes.reduce((a, b) => a * b, 1);

/**
 * onnxruntime's handle of a tensor over memory that is already there.
 * @param {OrtModule} module @param {number} type @param {number} address @param {number[]} dims @param {number} bytes
 */
export function createTensor(module, type, address, dims, bytes) {
  const stack = module.stackSave();
  try {
    const at = module.stackAlloc(4 * dims.length || 4);
    dims.forEach((size, i) => module.setValue(at + 4 * i, size, 'i32'));
    const handle = module._OrtCreateTensor(type, address, bytes, at, dims.length, CPU);
    if (!handle) throw lastError(module);
    return handle;
  } finally {
    module.stackRestore(stack);
  }
}

/** A tensor in onnxruntime's memory; its owner must release it. */
export class HeapTensor {
  #module;
  #own; // whether the memory was allocated here and not by onnxruntime

  /**
   * @param {OrtModule} module
   * @param {number} handle onnxruntime's OrtValue
   * @param {number} address of its first number
   * @param {number[]} dims
   * @param {boolean} own
   */
  constructor(module, handle, address, dims, own) {
    this.#module = module;
    this.#own = own;
    this.handle = handle;
    this.address = address;
    this.dims = dims;
  }

  /** @param {OrtModule} module @param {number[]} dims @param {number} [type] @param {number} [bytes] */
  static allocate(module, dims, type = FLOAT32, bytes = 4 * product(dims)) {
    const address = module._malloc(bytes || 1);
    if (!address) throw new Error('out of memory');
    try {
      return new HeapTensor(module, createTensor(module, type, address, dims, bytes), address, dims, true);
    } catch (error) {
      module._free(address);
      throw error;
    }
  }

  /** @param {OrtModule} module @param {Given} given */
  static copyIn(module, { data, dims }) {
    const tensor = HeapTensor.allocate(module, dims, data instanceof Float32Array ? FLOAT32 : INT64, data.byteLength);
    module.HEAPU8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), tensor.address);
    return tensor;
  }

  /** A float32 tensor that onnxruntime created. @param {OrtModule} module @param {number} handle */
  static made(module, handle) {
    const stack = module.stackSave();
    try {
      const at = module.stackAlloc(16);
      if (module._OrtGetTensorData(handle, at, at + 4, at + 8, at + 12)) throw lastError(module);
      const [type, address, dimsAt, rank] = [0, 4, 8, 12].map((i) => module.getValue(at + i, 'i32') >>> 0);
      const dims = Array.from({ length: rank }, (_, i) => module.getValue(dimsAt + 4 * i, 'i32'));
      module._OrtFree(dimsAt);
      if (type !== FLOAT32) throw new Error(`an output has type ${type} instead of float32`);
      return new HeapTensor(module, handle, address, dims, false);
    } finally {
      module.stackRestore(stack);
    }
  }

  get size() {
    return product(this.dims);
  }

  /** Of keys or values [row, kv_head, position, head_size]. */
  get positions() {
    return this.dims[2];
  }

  /** Copies the numbers out of onnxruntime's memory. @param {Float32Array<ArrayBuffer>} [copy] of this size */
  copyOut(copy = new Float32Array(this.size)) {
    new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength).set(this.#module.HEAPU8.subarray(this.address, this.address + copy.byteLength));
    return copy;
  }

  release() {
    this.#module._OrtReleaseTensor(this.handle);
    if (this.#own) this.#module._free(this.address);
  }
}

const separate = (/** @type {number[]} */ lengths) => lengths.map((length) => new Float32Array(length));

/**
 * Runs a session once.
 * @param {OrtModule} module
 * @param {number} session onnxruntime's handle
 * @param {Record<string, Given | { handle: number }>} feeds tensors to copy in, and those that are there
 * @param {string[]} wanted outputs that are copied out
 * @param {string[]} kept outputs that stay in onnxruntime's memory
 * @param {Arrays} [arrays] what the wanted ones are copied into; else arrays of their own
 * @returns {Promise<{ outputs: Record<string, Float32Array<ArrayBuffer>>, kept: HeapTensor[] }>} by name; in the order of `kept`
 */
export async function runOnce(module, session, feeds, wanted, kept, arrays = separate) {
  const inputs = Object.entries(feeds);
  const names = [...wanted, ...kept];
  /** @type {HeapTensor[]} */
  const temporary = [];
  /** @type {number[]} */
  const texts = [];
  /** @type {HeapTensor[]} */
  const made = [];
  const text = (/** @type {string} */ value) => {
    const room = module.lengthBytesUTF8(value) + 1;
    const address = module._malloc(room);
    module.stringToUTF8(value, address, room);
    texts.push(address);
    return address;
  };
  const stack = module.stackSave();
  const list = (/** @type {number[]} */ addresses) => {
    const at = module.stackAlloc(4 * addresses.length);
    addresses.forEach((address, i) => module.setValue(at + 4 * i, address, '*'));
    return at;
  };
  try {
    const handles = inputs.map(([, given]) => {
      if ('handle' in given) return given.handle;
      temporary.push(HeapTensor.copyIn(module, given));
      return temporary[temporary.length - 1].handle;
    });
    const results = list(names.map(() => 0));
    const failed = await module._OrtRun(session, list(inputs.map(([name]) => text(name))), list(handles), inputs.length, list(names.map(text)), names.length, results, 0);
    if (failed) throw lastError(module);
    for (let i = 0; i < names.length; i++) made.push(HeapTensor.made(module, module.getValue(results + 4 * i, '*')));
    const copies = await arrays(wanted.map((_, i) => made[i].size));
    const outputs = Object.fromEntries(wanted.map((name, i) => [name, made[i].copyOut(copies[i])]));
    return { outputs, kept: made.splice(wanted.length) };
  } finally {
    for (const tensor of [...made, ...temporary]) tensor.release();
    for (const address of texts) module._free(address);
    module.stackRestore(stack);
  }
}

/** What onnxruntime says went wrong. @param {OrtModule} module */
function lastError(module) {
  const stack = module.stackSave();
  const at = module.stackAlloc(8);
  module._OrtGetLastError(at, at + 4);
  const message = module.getValue(at + 4, '*');
  const error = new Error(message ? module.UTF8ToString(message) : 'onnxruntime failed without a message');
  module.stackRestore(stack);
  return error;
}
