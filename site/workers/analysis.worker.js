// Owns Python: turns the model's raw outputs into every number and colour of the page; a module worker.

import * as Comlink from '../vendor/comlink.min.js';
import { bootPython, pythonMessage, takeArrays } from '../analysis/python.js';
import { holdLock } from './lock.js';

/** @import {AnalysisApi, AppendedToken, RunUpdate} from '../protocol.js' */

const PAUSE = 100; // ms between two updates: the eye sees no more, and drawing a long text takes time from the model

/** @type {Promise<any>} */
let booted;
/** @type {any} */
let session; // pyscripts.browser.Session
/** @type {(update: RunUpdate) => void | Promise<void>} */
let onUpdate = () => {};
let published = -Infinity; // when the page was last told what is new
let waiting = 0; // the timer of what it has not been told yet
/** @type {AppendedToken[]} */
let drawn = []; // tokens it has not been told of yet

/** Calls into Python; its errors become sentences. @template T @param {() => T} call @returns {T} */
function python(call) {
  try {
    return call();
  } catch (error) {
    throw new Error(pythonMessage(error));
  }
}

/** Forgets what the page has not been told yet. */
function forget() {
  clearTimeout(waiting);
  waiting = 0;
  drawn = [];
}

/**
 * Sends the page what is new of a run. Not async: an error of Python's is then its caller's.
 * @param {number} runId
 * @returns {void | Promise<void>} resolves when the page has taken it in
 */
function publish(runId) {
  const result = python(() => session.update(runId));
  published = performance.now();
  const update = {
    runId,
    first: result.get('first'),
    count: result.get('count'),
    appended: drawn,
    arrays: takeArrays(result.get('arrays')),
    colours: JSON.parse(result.get('colours')),
    summary: JSON.parse(result.get('summary')),
  };
  result.destroy();
  forget();
  return onUpdate(update);
}

/** Publishes at once, or with what is still to come where the page heard of something just before. @param {number} runId */
function publishSoon(runId) {
  const pause = published + PAUSE - performance.now();
  if (pause <= 0) void publish(runId);
  else waiting ||= setTimeout(publish, pause, runId);
}

/** @type {AnalysisApi} */
const api = {
  holdLock,

  async boot(onProgress) {
    booted = bootPython(onProgress);
    session = await booted;
  },

  connect(port) {
    Comlink.expose(api, port);
  },

  subscribe(callback) {
    onUpdate = callback;
  },

  view: (runId, name, args) => JSON.parse(python(() => session.view(runId, name, JSON.stringify(args)))),

  colourings: () => JSON.parse(session.colourings()),

  colours: (runId, colouring) => JSON.parse(python(() => session.colours(runId, colouring))),

  async useModel(manifest, vocabulary) {
    await booted;
    forget();
    python(() => session.use_model(JSON.stringify(manifest), JSON.stringify(vocabulary)));
  },

  async begin(runId, request) {
    await booted;
    forget();
    python(() => session.begin(runId, JSON.stringify(request)));
    if (request.keep) void publish(runId);
  },

  sample: (runId, logits) => python(() => session.sample(runId, logits)),

  extend(runId, chunk, appended) {
    python(() => session.extend(runId, chunk, appended && JSON.stringify(appended)));
    if (appended) drawn.push(appended);
    publishSoon(runId);
  },

  lensRows(runId, position) {
    const rows = python(() => session.lens_rows(runId, position));
    const view = rows.getBuffer();
    const copy = { data: view.data.slice(), shape: [...view.shape] };
    view.release();
    rows.destroy();
    return Comlink.transfer(copy, [copy.data.buffer]);
  },

  inspected: (runId, position, logits, lensLogits) => python(() => session.inspected(runId, position, logits, lensLogits ?? undefined)),

  keep: (runId) => python(() => session.keep(runId)),

  beginFillIn: (logits, request) => JSON.parse(python(() => session.begin_fill_in(logits, JSON.stringify(request)))),

  scoreFillIn: (first, count, logits) => python(() => session.score_fill_in(first, count, logits)),

  ranking: () => JSON.parse(python(() => session.ranking())),

  holdAttention: (runId, layer, parts) => python(() => session.hold_attention(runId, layer, parts)),

  async finish(runId, timings) {
    if (waiting) await publish(runId);
    python(() => session.finish(runId, JSON.stringify(timings)));
  },
};

Comlink.expose(api);
