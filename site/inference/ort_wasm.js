// What onnxruntime-web imports as its WebAssembly module; inference worker.

import * as built from '../vendor/ort/ort-wasm-simd-threaded.js';
import { keeping } from './ort_module.js';

export default keeping('wasm', /** @type {any} */ (built).default);
