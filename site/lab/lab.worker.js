// Owns the Python in which users' code runs over the page's run, apart from the page's own; a module worker.

import * as Comlink from '../vendor/comlink.min.js';
import { bootPython, givenBack, pythonMessage, takeArray, takeArrays, unpackLibraries } from '../analysis/python.js';
import { holdLock } from '../shared/lock.js';
import { analyzeOptions, generateOptions } from '../shared/options.js';
import { lockDown } from './lock_down.js';

/** @import {AnalysisForLab, InferenceForLab, LabApi, LabCalls} from '../shared/lab_protocol.js' */

/** @type {any} */
let session; // pyscripts.page.lab_session.LabSession
/** @type {any} */
let model; // pyscripts.page.lab_model.LabModel
/** @type {Uint8Array | null} */
let interrupt = null;
/** @type {Comlink.Remote<AnalysisForLab>} */
let analysis;
/** @type {Comlink.Remote<InferenceForLab>} */
let inference;
/** Resolves when the model is here, after which the page's run can be taken. */
let joined = Promise.withResolvers();
let cancelled = false;
/** Rejects when Python itself ends, as after os._exit. @type {PromiseWithResolvers<never>} */
const died = Promise.withResolvers();
died.promise.catch(() => {}); // the code that was running reports it
addEventListener('unhandledrejection', (event) => event.reason?.pyodide_fatal_error && event.preventDefault()); // reported by it, too
/** The run of the page that Python holds, and its large arrays. */
let held = { runId: -1, hidden_states: false, attentions: false };

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** A pass of the model, for Python: it never rejects, but says what went wrong. @param {string} kind @param {string} json @returns {Promise<string | null>} */
async function ask(kind, json) {
  try {
    const request = JSON.parse(json);
    if (kind === 'run') {
      const options = request.kind === 'read' ? analyzeOptions(request.options) : generateOptions(request.options);
      await inference.run({ ...request, options });
    } else await inference[/** @type {'inspect' | 'attribute' | 'runVariants' | 'readHeads'} */ (kind)](request);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

const UNSHOWN = 500; // ms of a generation whose tokens go to Python together: nobody sees them meanwhile

/** What the inference worker calls. @type {LabCalls} */
const calls = {
  async useModel(manifest, vocabulary, control) {
    model = session.use_model(JSON.stringify(manifest), JSON.stringify(vocabulary), JSON.stringify(control), ask);
    held = { runId: -1, hidden_states: false, attentions: false };
    joined.resolve(null);
  },
  begin: async (number, request) => JSON.parse(model.begin(number, JSON.stringify(request))),
  sample: (number, logits) => model.sample(number, logits),
  extend(number, chunks, appended) {
    model.extend(number, chunks, JSON.stringify(appended));
    return givenBack(chunks, UNSHOWN);
  },
  finish: async (number, timings) => model.finish(number, JSON.stringify(timings)),
  lensRows(number, position) {
    const rows = takeArray(model.lens_rows(number, position));
    return Comlink.transfer(rows, [rows.data.buffer]);
  },
  attributed: (number, request, outputs) => model.attributed(number, JSON.stringify(request), outputs),
  variantsRead: (number, request, logits) => model.variants_read(number, JSON.stringify(request), logits),
  addHeadAttention: (number, of, first, count, parts) => model.add_head_attention(number, of, first, count, parts),
  headValues: (number, of, parts) => model.head_values(number, of, parts),
  inspected: (number, position, logits, lensLogits) => model.inspected(number, position, logits, lensLogits),
};

/** Takes what the code needs of the page's run. @param {string} source @param {number | null} runId */
async function takeRun(source, runId) {
  const needs = JSON.parse(session.needs(source));
  if (runId === null) {
    held.runId = -1;
    return session.forget_run();
  }
  const large = /** @type {const} */ (['hidden_states', 'attentions']);
  if (!needs || (held.runId === runId && large.every((name) => held[name] || !needs[name]))) return;
  const same = held.runId === runId;
  const wanted = { runId, hidden_states: needs.hidden_states || (same && held.hidden_states), attentions: needs.attentions || (same && held.attentions) };
  const { json, arrays } = await analysis.handOver(runId, wanted.hidden_states, wanted.attentions);
  session.take_run(JSON.stringify(json), arrays);
  held = wanted;
}

/** @type {LabApi} */
const api = {
  holdLock,

  async boot(shared, onProgress) {
    const pyodide = await bootPython(onProgress);
    await unpackLibraries(pyodide);
    pyodide._api.on_fatal = died.reject; // the code that was running will never be answered
    session = pyodide.pyimport('pyscripts.page.lab_session').LabSession();
    interrupt = shared;
    if (interrupt) pyodide.setInterruptBuffer(interrupt);
    lockDown();
    return JSON.parse(session.names());
  },

  connect(ofAnalysis, ofCalls, requests) {
    joined = Promise.withResolvers();
    analysis = Comlink.wrap(ofAnalysis);
    inference = Comlink.wrap(requests);
    Comlink.expose(calls, ofCalls);
  },

  async execute(source, runId, whyNoRun, onPrint) {
    if (interrupt) interrupt[0] = 0;
    cancelled = false;
    try {
      await joined.promise;
      let why = whyNoRun;
      await takeRun(source, runId).catch((error) => {
        session.forget_run();
        why = pythonMessage(error);
      });
      if (cancelled) return { json: { kind: 'error', error: 'Stopped.', lines: [], stopped: true, out_of_memory: false }, arrays: {}, metrics: [] };
      const result = await Promise.race([session.execute(source, why, (/** @type {string} */ text) => void onPrint(text)), died.promise]);
      const answer = { json: JSON.parse(result.get('json')), arrays: takeArrays(result.get('arrays')), metrics: JSON.parse(result.get('metrics')) };
      result.destroy();
      return Comlink.transfer(answer, Object.values(answer.arrays).map(({ data }) => data.buffer));
    } finally {
      /** @type {any} */ (onPrint)[Comlink.releaseProxy]();
    }
  },

  csv() {
    try {
      return session.csv();
    } catch (error) {
      throw new Error(pythonMessage(error));
    }
  },

  cancel() {
    cancelled = true;
    if (interrupt) interrupt[0] = 0; // it waits for the model, so there is nothing to interrupt
    session?.cancel();
  },
};

Comlink.expose(api);
