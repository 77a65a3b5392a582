// Owns Python: computes every number and colour of the page from the model's raw outputs; a module worker.

import * as Comlink from '../vendor/comlink.min.js';
import { holdLock } from '../shared/lock.js';
import { isOutOfMemory, NOT_FOR_TEXT } from '../shared/memory.js';
import { bootPython, givenBack, pythonMessage, takeArray, takeArrays } from './python.js';
import { Publisher } from './publisher.js';

/** @import {AnalysisApi, Answer} from '../shared/protocol.js' */

/** @type {Promise<unknown>} */
let booted;
/** @type {any} */
let session; // pyscripts.page.session.Session
/** @type {any} */
let trial = null; // pyscripts.page.device_trial.DeviceTrial

/** Calls into Python; its errors become sentences, and are known by their name wherever they are caught. @template T @param {() => T} call @returns {T} */
function python(call) {
  try {
    return call();
  } catch (error) {
    throw Object.assign(new Error(isOutOfMemory(error) ? NOT_FOR_TEXT : sentence(error)), { name: 'PythonError' });
  }
}

/** What a visitor is told of an error: pyscripts' own sentence, else only that there was one. @param {unknown} error */
function sentence(error) {
  const said = pythonMessage(error);
  if (said.endsWith('.')) return said; // as all that pyscripts raises, and nothing that Python or numpy raises
  console.error(error);
  return 'This could not be computed because of an internal error. The browser console has the details.';
}

const publisher = new Publisher((runId, ended) => python(() => session.update(runId, ended)));

/** One view's answer with its arrays. @param {any} result proxy of pyscripts.page.session.Session.view @returns {Answer<any, string>} */
function takeAnswer(result) {
  const answer = { json: JSON.parse(result.get('json')), arrays: takeArrays(result.get('arrays')) };
  result.destroy();
  return answer;
}

/** @type {import('../shared/lab_protocol.js').AnalysisForLab['handOver']} */
function handOver(runId, hiddenStates, attentions) {
  const answer = takeAnswer(python(() => session.hand_over(runId, hiddenStates, attentions)));
  return Comlink.transfer(answer, Object.values(answer.arrays).map(({ data }) => data.buffer));
}

/** @type {AnalysisApi} */
const api = {
  holdLock,

  async boot(onProgress) {
    booted = bootPython(onProgress).then((pyodide) => (session = pyodide.pyimport('pyscripts.page.session').Session()));
    await booted;
    return JSON.parse(session.menus());
  },

  connect(port) {
    Comlink.expose(api, port);
  },

  connectLab(port) {
    Comlink.expose({ handOver }, port); // nothing else: users' code runs there
  },

  subscribe(callback) {
    publisher.onUpdate = callback;
  },

  views(runId, requests) {
    /** @type {ReturnType<AnalysisApi['views']>} */
    const answers = {};
    for (const [id, { view, args }] of Object.entries(requests)) {
      try {
        answers[id] = takeAnswer(python(() => session.view(runId, view, JSON.stringify(args))));
      } catch (error) {
        answers[id] = { error: error instanceof Error ? error.message : String(error) };
      }
    }
    const buffers = Object.values(answers).flatMap((answer) => ('arrays' in answer ? Object.values(answer.arrays).map(({ data }) => data.buffer) : []));
    return Comlink.transfer(answers, buffers);
  },

  openSaved: (data, name) => JSON.parse(python(() => session.open_saved(data, name))),

  showSaved(runId) {
    python(() => session.show_saved(runId));
    publisher.begin(runId, true);
    return publisher.send();
  },

  pin: (runId) => python(() => session.pin(runId)),

  colour(colouring, ofWords) {
    python(() => session.colour(colouring, ofWords));
    return publisher.send();
  },

  async useModel(manifest, vocabulary, control) {
    await booted;
    python(() => session.use_model(JSON.stringify(manifest), JSON.stringify(vocabulary), JSON.stringify(control)));
  },

  async begin(runId, request) {
    await booted;
    const windows = JSON.parse(python(() => session.begin(runId, JSON.stringify(request))));
    publisher.begin(runId, request.keep > 0);
    return windows;
  },

  sample: (runId, logits) => python(() => session.sample(runId, logits)),

  extend(runId, chunks, appended, last) {
    python(() => session.extend(runId, chunks, JSON.stringify(appended)));
    publisher.extend(runId, appended, last);
    return givenBack(chunks, publisher.wait);
  },

  lensRows(runId, position) {
    const found = python(() => session.lens_rows(runId, position));
    if (!found) return null;
    const rows = takeArray(found);
    return Comlink.transfer(rows, [rows.data.buffer]);
  },

  patchRows(runId, kind, position) {
    const rows = takeArray(python(() => session.patch_rows(runId, kind, position)));
    return Comlink.transfer(rows, [rows.data.buffer]);
  },

  inspected: (runId, position, logits, lensLogits, hiddenStates) =>
    python(() => session.inspected(runId, position, logits, lensLogits ?? undefined, hiddenStates ?? undefined)),

  beginAttention: (runId, layers) => python(() => session.begin_attention(runId, JSON.stringify(layers))),

  addAttention: (runId, count, parts) => python(() => session.add_attention(runId, count, parts)),

  finishAttention: (runId) => python(() => session.finish_attention(runId)),

  attributed: (runId, request, outputs) => python(() => session.attributed(runId, JSON.stringify(request), outputs)),

  variantsRead: (runId, request, logits) => python(() => session.variants_read(runId, JSON.stringify(request), logits)),

  readUntouched: (runId, logits) => python(() => session.read_untouched(runId, logits)),

  readLens: (runId, position, lensLogits, logits) => python(() => session.read_lens(runId, position, lensLogits, logits)),

  beginLists: (runId, layer, mean) => python(() => session.begin_lists(runId, layer, mean)),

  addListed: (runId, side, states) => python(() => session.add_listed(runId, side, states)),

  addHeadAttention: (runId, of, first, count, parts) => python(() => session.add_head_attention(runId, of, first, count, parts)),

  headValues: (runId, of, parts) => python(() => session.head_values(runId, of, parts)),

  beginFillIn: (model, logits, request) => JSON.parse(python(() => session.begin_fill_in(model, logits, JSON.stringify(request)))),

  scoreFillIn: (first, count, logits) => python(() => session.score_fill_in(first, count, logits)),

  beginTrial(manifest) {
    trial?.destroy();
    trial = python(() => session.device_trial(JSON.stringify(manifest)));
  },

  expectOutput: (name, values, keys) => python(() => trial.expect(name, values, keys)),

  compareOutput: (name, values, keys) => python(() => trial.compare(name, values, keys)),

  judgeTrial(times) {
    const verdict = JSON.parse(python(() => trial.judge(JSON.stringify(times))));
    trial.destroy(); // with its arrays
    trial = null;
    return verdict;
  },

  ranking: () => JSON.parse(python(() => session.ranking())),

  async finish(runId, timings) {
    await publisher.finish(runId);
    python(() => session.finish(runId, JSON.stringify(timings)));
  },
};

Comlink.expose(api);
