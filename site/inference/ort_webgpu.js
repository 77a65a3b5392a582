// What onnxruntime-web imports as its module for WebGPU; inference worker.

import * as built from '../vendor/ort/ort-wasm-simd-threaded.asyncify.js';
import { keeping } from './ort_module.js';

export default keeping('webgpu', /** @type {any} */ (built).default);
