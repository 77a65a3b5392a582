// Stands in for the inference worker where a test is about how the page starts: fetches and stores the model, runs none.

import * as Comlink from '../vendor/comlink.min.js';
import { holdLock } from '../shared/lock.js';
import { fetchManifest, MODELS } from '../shared/manifest.js';
import { fetchModelFiles } from './model_files.js';

Comlink.expose({
  holdLock,
  connect() {},
  async load(id, proven, onProgress) {
    const manifest = await fetchManifest(MODELS, id);
    const { kept } = await fetchModelFiles(manifest, MODELS, { onProgress });
    return { manifest, vocabulary: Array(manifest.vocab_size).fill('?'), parts: new Map(), threads: 1, kept, created: 0, device: 'wasm', fallback: null };
  },
  stop() {},
});
