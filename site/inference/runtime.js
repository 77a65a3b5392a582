// Selects onnxruntime-web's build: WebAssembly, or WebGPU if the user chose it; inference worker.

import * as wasm from '../vendor/ort/ort.wasm.min.js';

/** @import {Device} from '../shared/protocol.js' */
/** @typedef {typeof wasm} Runtime */

/** Both builds are of one package. */
export const LIBRARY = `onnxruntime-web ${wasm.env.versions.web}`;

const FOLDER = new URL('../vendor/ort/', import.meta.url).href;

/** Threads need isolation and shared memory (WebKitGTK has only the first). Hyper-threads bring nothing: half the logical cores are used. */
export function threadCount() {
  if (!globalThis.crossOriginIsolated || !globalThis.SharedArrayBuffer) return 1;
  const cores = navigator.hardwareConcurrency || 1;
  return Math.min(8, cores > 2 ? Math.ceil(cores / 2) : cores);
}

/**
 * What the browser says of the WebGPU adapter, such as “nvidia ampere”; null if there is none.
 * @returns {Promise<string | null>}
 */
export async function adapterName() {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null);
  if (!adapter) return null;
  const { vendor, architecture, device, description } = adapter.info ?? {};
  return [vendor, architecture, device, description].filter(Boolean).join(' ') || 'unnamed';
}

/** An ONNX model of one Identity node, as onnx.helper makes it (opset 13). */
const SMALLEST = Uint8Array.of(
  8, 8, 58, 47, 10, 16, 10, 1, 97, 18, 1, 98, 34, 8, 73, 100, 101, 110, 116, 105, 116, 121, 18, 1, 103, 90, 11, 10, 1, 97, 18, 6, 10, 4, 8, 1, 18, 0,
  98, 11, 10, 1, 98, 18, 6, 10, 4, 8, 1, 18, 0, 66, 4, 10, 0, 16, 13,
);

/** Has the library compile its WebAssembly and start its threads, while a model's files are on their way. */
export async function warmUp() {
  const ort = await runtimeFor('wasm');
  await (await ort.InferenceSession.create(SMALLEST.slice())).release();
}

/**
 * The library for a device, ready to create sessions; WebGPU's is fetched only when needed.
 * @param {Device} device
 * @returns {Promise<Runtime>}
 */
export async function runtimeFor(device) {
  if (device === 'webgpu' && (await adapterName()) === null) throw new Error('this browser has no WebGPU adapter');
  const ort = device === 'webgpu' ? /** @type {Runtime} */ (await import('../vendor/ort/ort.webgpu.min.js')) : wasm;
  const build = device === 'webgpu' ? 'ort-wasm-simd-threaded.asyncify' : 'ort-wasm-simd-threaded';
  ort.env.wasm.wasmPaths = { mjs: new URL(`ort_${device}.js`, import.meta.url).href, wasm: `${FOLDER}${build}.wasm` };
  ort.env.wasm.numThreads = threadCount();
  return ort;
}
