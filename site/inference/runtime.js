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
