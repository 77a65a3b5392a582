// Owns the model: loads it, reads and writes with it one request at a time; a module worker.

import * as Comlink from '../vendor/comlink.min.js';
import { fetchManifest, ModelError, MODELS } from '../inference/manifest.js';
import { fetchModelFiles } from '../inference/model_files.js';
import { Reader } from '../inference/reader.js';
import { threadCount } from '../inference/runtime.js';
import { checkModel } from '../inference/self_test.js';
import { ModelSession } from '../inference/session.js';
import { TextTokenizer } from '../inference/tokenizer.js';
import { holdLock } from './lock.js';

/** @import {AnalysisApi, InferenceApi, Manifest} from '../protocol.js' */

/** @type {Comlink.Remote<AnalysisApi>} */
let analysis;
/** @type {Reader | null} */
let reader = null;
/** @type {AbortController} */
let loading = new AbortController();
/** @type {Promise<unknown>} */
let busy = Promise.resolve(); // the work under way: one at a time

/** Runs `work` when nothing else does, whatever became of what was before it. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
function alone(work) {
  const turn = busy.then(work, work);
  busy = turn.catch(() => {});
  return turn;
}

/**
 * Runs `work` alone and then lets go of the callbacks it was given: each keeps a message port open here and in the page.
 * @template T @param {Function[]} callbacks @param {() => Promise<T>} work @returns {Promise<T>}
 */
const aloneWith = (callbacks, work) =>
  alone(work).finally(() => {
    for (const callback of callbacks) /** @type {any} */ (callback)[Comlink.releaseProxy]();
  });

/**
 * Checks a new session against what the build recorded and tells Python about its model.
 * @param {Manifest} manifest @param {ModelSession} session @param {TextTokenizer} tokenizer
 * @returns {Promise<string[]>} the texts of all token ids
 */
async function introduce(manifest, session, tokenizer) {
  await checkModel(manifest, session);
  const vocabulary = tokenizer.vocabulary(manifest);
  await analysis.useModel(manifest, vocabulary);
  return vocabulary;
}

/** @returns {Reader} */
function loaded() {
  if (!reader) throw new ModelError('No model is loaded yet.');
  return reader;
}

/** @type {InferenceApi} */
const api = {
  holdLock,

  connect(port) {
    analysis = Comlink.wrap(port);
  },

  load(id, device, onProgress) {
    api.cancel();
    loading.abort(new ModelError('Another model was chosen.'));
    loading = new AbortController();
    const { signal } = loading;
    return aloneWith([onProgress], async () => {
      signal.throwIfAborted();
      const manifest = await fetchManifest(MODELS, id);
      const { files, kept } = await fetchModelFiles(manifest, MODELS, { onProgress, signal });
      onProgress({ stage: 'Starting the model' });
      const tokenizer = new TextTokenizer(files, manifest.vocab_size);
      const started = performance.now();
      const { session, ...ran } = await ModelSession.create(manifest, files, device);
      const created = performance.now() - started;
      const vocabulary = await introduce(manifest, session, tokenizer).catch((error) => session.release().then(() => Promise.reject(error)));
      await reader?.release();
      reader = new Reader(manifest, session, tokenizer, analysis);
      return { manifest, vocabulary, threads: threadCount(), kept, created, ...ran };
    });
  },

  cancelLoading() {
    loading.abort(new ModelError('Loading was stopped; what has arrived is kept.'));
  },

  analyze(request, onTokens) {
    reader?.want(request.runId);
    return aloneWith([onTokens], () => loaded().analyze(request, onTokens));
  },

  generate(request, onTokens) {
    reader?.want(request.runId);
    return aloneWith([onTokens], () => loaded().generate(request, onTokens));
  },

  inspect: (runId, token) => alone(() => loaded().inspect(runId, token)),

  attention: (runId, layer) => alone(() => loaded().attention(runId, layer)),

  fillIn: (request, onProgress) => aloneWith([onProgress], () => loaded().fillIn(request, onProgress)),

  cancel() {
    reader?.want(-1);
  },
};

Comlink.expose(api);
