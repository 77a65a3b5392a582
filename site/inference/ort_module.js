// Keeps onnxruntime-web's WebAssembly modules as the library loads them, so that heap.js can reach them; inference worker.

/** @import {Device} from '../shared/protocol.js' */

/**
 * The functions and the memory of a module that heap.js uses (Emscripten's and onnxruntime-web's own names).
 * @typedef {{
 *   HEAPU8: Uint8Array<ArrayBuffer>,
 *   _malloc(bytes: number): number, _free(address: number): void,
 *   stackSave(): number, stackAlloc(bytes: number): number, stackRestore(stack: number): void,
 *   getValue(address: number, type: string): number, setValue(address: number, value: number, type: string): void,
 *   UTF8ToString(address: number): string, lengthBytesUTF8(text: string): number, stringToUTF8(text: string, address: number, room: number): void,
 *   _OrtCreateTensor(type: number, data: number, bytes: number, dims: number, rank: number, location: number): number,
 *   _OrtGetTensorData(tensor: number, type: number, data: number, dims: number, rank: number): number,
 *   _OrtReleaseTensor(tensor: number): number, _OrtFree(address: number): number, _OrtGetLastError(code: number, message: number): number,
 *   _OrtRun(session: number, inputNames: number, inputs: number, inputCount: number, outputNames: number, outputCount: number, outputs: number, options: number): number | Promise<number>,
 * }} OrtModule
 */

/** @type {Map<Device, OrtModule>} */
const modules = new Map();

/**
 * Wraps a module's factory and keeps the module it creates.
 * @param {Device} device
 * @param {(options: object) => Promise<OrtModule>} factory
 */
export const keeping = (device, factory) => async (/** @type {object} */ options) => {
  const module = await factory(options);
  modules.set(device, module);
  return module;
};

/** The module of a device's sessions; it exists once a session does. @param {Device} device */
export const moduleOf = (device) => /** @type {OrtModule} */ (modules.get(device));
