// Owns one model and its queue of requests: loads, reads, generates, stops; a module worker.

import * as Comlink from '../vendor/comlink.min.js';
import { holdLock } from '../shared/lock.js';
import { fetchManifest, ModelError, MODELS } from '../shared/manifest.js';
import { isOutOfMemory, notForModel } from '../shared/memory.js';
import { Asides } from './asides.js';
import { DeviceTrial, trialKey } from './device_trial.js';
import { KvCache } from './kv_cache.js';
import { fetchModelFiles } from './model_files.js';
import { LabPasses } from './lab_passes.js';
import { Ended, Postponed, Queue, Stopped } from './queue.js';
import { Reader } from './reader.js';
import { threadCount } from './runtime.js';
import { checkModel } from './self_test.js';
import { ModelSession } from './session.js';
import { SidePasses } from './side_passes.js';
import { TextTokenizer } from './tokenizer.js';
import { WholeReadings } from './whole_readings.js';

/** @import {AnalysisApi, InferenceApi, Manifest} from '../shared/protocol.js' */
/** @import {LabCalls} from '../shared/lab_protocol.js' */

/** @type {Comlink.Remote<AnalysisApi>} */
let analysis;
/** What answers requests about the model. @type {{ reader: Reader, passes: SidePasses, readings: WholeReadings, key: () => ReturnType<typeof trialKey>, lost: Promise<string> | null, joinLab: (calls: MessagePort) => Promise<LabPasses> } | null} */
let model = null;
/** Runs its passes in the worker of the model that answers, and in that of a trial. @type {DeviceTrial | null} */
let trial = null;
const queue = new Queue();

function loaded() {
  if (!model) throw new ModelError('No model is loaded yet.');
  return model;
}

function tried() {
  if (!trial) throw new ModelError('No model is loaded yet.');
  return trial;
}

/** Releases a callback after the answer: each keeps a message port open here and in the page. @template T @param {Function} callback @param {Promise<T>} answer */
const releasing = (callback, answer) => answer.finally(() => /** @type {any} */ (callback)[Comlink.releaseProxy]());

/** @type {InferenceApi} */
const api = {
  holdLock,

  connect(port) {
    analysis = Comlink.wrap(port);
  },

  async connectLab(calls, requests) {
    Comlink.expose((await loaded().joinLab(calls)).api(queue), requests);
  },

  endLab: () => queue.end(new Ended('Stopped.'), 'lab'),

  load(id, proven, onProgress) {
    const load = async () => {
      onProgress({ stage: 'Loading the model' });
      const manifest = await fetchManifest(MODELS, id);
      return start(manifest).catch(async (error) => {
        if (isOutOfMemory(error)) {
          console.error(error);
          throw new ModelError(notForModel(manifest.name));
        }
        const now = await fetchManifest(MODELS, id, true).catch(() => manifest);
        if (now.sha256 === manifest.sha256) throw error;
        return start(now); // the stored manifest was of a build that the site has replaced
      });
    };
    const start = async (/** @type {Manifest} */ manifest) => {
      const { files, kept } = await fetchModelFiles(manifest, MODELS, { onProgress });
      onProgress({ stage: 'Starting the model' });
      const tokenizer = new TextTokenizer(files, manifest.vocab_size);
      const started = performance.now();
      const holds = proven !== null && (await trialKey(manifest))?.key === proven;
      const session = await ModelSession.create(manifest, files, holds ? 'webgpu' : 'wasm');
      const created = performance.now() - started;
      await checkModel(manifest, session);
      const vocabulary = tokenizer.vocabulary(manifest);
      await analysis.useModel(manifest, vocabulary, tokenizer.controlIds());
      const cache = new KvCache(session);
      trial = new DeviceTrial(manifest, session, analysis);
      model = {
        key: () => trialKey(manifest),
        lost: session.lost,
        reader: new Reader(manifest, session, tokenizer, analysis, cache),
        passes: new SidePasses(manifest, session, tokenizer, analysis, cache),
        readings: new WholeReadings(manifest, tokenizer, analysis, new Asides(manifest, session, cache)),
        joinLab: async (calls) => {
          const lab = /** @type {Comlink.Remote<LabCalls>} */ (Comlink.wrap(calls));
          await lab.useModel(manifest, vocabulary, tokenizer.controlIds());
          return new LabPasses(manifest, session, tokenizer, lab);
        },
      };
      return { manifest, vocabulary, parts: tokenizer.parts(vocabulary), threads: threadCount(), kept, created, device: session.device, fallback: session.fallback };
    };
    return releasing(onProgress, load());
  },

  run(request, onTokens) {
    queue.end(new Postponed(), 'lab');
    queue.end(new Ended('This run was replaced by a newer one.'));
    return releasing(onTokens, queue.add('run', (signal) => loaded().reader.run(request, signal, onTokens)));
  },

  inspect: (runId, key, position) => queue.add('inspect', (signal) => loaded().passes.inspect(runId, key, position, signal)),

  attention: (runId, key, layers) => queue.add('attention', (signal) => loaded().passes.attention(runId, key, layers, signal)),

  lensFrom: (runId, key, position) => queue.add('lens', (signal) => loaded().passes.lensFrom(runId, key, position, signal)),

  attribute: (runId, key, position, targets) => queue.add('attribute', (signal) => loaded().passes.attribute(runId, key, position, targets, signal)),

  runVariants: (runId, key, batch) => queue.add('variants', (signal) => loaded().passes.runVariants(runId, key, batch, signal)),

  readUntouched: (runId, key) => queue.add('untouched', (signal) => loaded().readings.readUntouched(runId, key, signal)),

  readHeads: (runId, key, request) => queue.add('heads', (signal) => loaded().readings.readHeads(runId, key, request, signal)),

  readLists: (runId, request) => queue.add('lists', (signal) => loaded().readings.readLists(runId, request, signal)),

  fillIn(request, onProgress) {
    queue.end(new Ended('This ranking was replaced by a newer one.'), 'fill in');
    return releasing(onProgress, queue.add('fill in', (signal) => loaded().passes.fillIn(request, signal, onProgress)));
  },

  trialKey: async () => loaded().key(),

  deviceLost: async () => loaded().lost,

  async startTrial(id) {
    const manifest = await fetchManifest(MODELS, id);
    const { files } = await fetchModelFiles(manifest, MODELS, { onProgress() {} });
    const session = await ModelSession.create(manifest, files, 'webgpu');
    if (session.fallback !== null) throw new Error(session.fallback);
    trial = new DeviceTrial(manifest, session, analysis);
  },

  runTrial: (pass, device) => queue.add('trial', () => tried().run(pass, device)),

  timeTrial: () => queue.add('trial', () => tried().time()),

  stop() {
    queue.end(new Postponed(), 'lab');
    queue.end(new Stopped('Stopped before there was a result.'));
  },
};

Comlink.expose(api);
