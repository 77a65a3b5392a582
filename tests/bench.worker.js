// The model alone, without Python or views beside it: passes timed in a worker of the page; run by tests/bench.py.

import { fetchManifest, MODELS } from './shared/manifest.js';
import { fetchModelFiles } from './inference/model_files.js';
import { ModelSession } from './inference/session.js';
import * as ort from './vendor/ort/ort.wasm.min.js';

const CHUNK = 64; // as in inference/reader.js
/** @type {ModelSession} */
let session;

/** Milliseconds of reading so many positions in chunks, all outputs on; and what the model then knows. */
async function read(positions) {
  const start = performance.now();
  const past = session.emptyPast();
  for (let at = 0; at < positions; at += CHUNK) await session.forward(Array(Math.min(CHUNK, positions - at)).fill(1), past);
  return { time: performance.now() - start, past };
}

const does = {
  async load(id) {
    const manifest = await fetchManifest(MODELS, id);
    const { files } = await fetchModelFiles(manifest, MODELS, { onProgress() {} });
    session = await ModelSession.create(manifest, files, 'wasm');
    (await read(1)).past.release();
  },
  /** Reads so many positions, `times` times after a first time, and prints onnxruntime's profile of it to the console. */
  async profile(id, positions, times) {
    const { create } = ort.InferenceSession;
    /** @type {any} */
    let own;
    ort.InferenceSession.create = async (graph, options) => (own = await create.call(ort.InferenceSession, graph, { ...options, enableProfiling: true }));
    await does.load(id);
    ort.InferenceSession.create = create;
    for (let i = 0; i <= times; i++) (await read(positions)).past.release();
    own.endProfiling();
  },
  async prefill(positions) {
    const { time, past } = await read(positions);
    past.release();
    return time;
  },
  /** Milliseconds of one token behind `before` positions: the median of `times`. */
  async decode(before, times) {
    const { past } = await read(before);
    const found = [];
    for (let i = 0; i < times; i++) {
      const start = performance.now();
      await session.forward([1], past);
      found.push(performance.now() - start);
    }
    past.release();
    return found.sort((a, b) => a - b)[times >> 1];
  },
};

self.onmessage = async ({ data: [name, ...args] }) => {
  try {
    self.postMessage({ value: await does[name](...args) });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
