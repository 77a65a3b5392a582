// Starting the workers, loading models into them, and starting again when one dies; main thread.

import { consentTo } from './consent.js';
import { callback, Engine, EngineLost } from './engine.js';
import { fetchIndex, MODELS } from './inference/manifest.js';
import * as state from './state.js';
import { refreshStored } from './storage.js';

/** @import {Manifest, Progress, RunUpdate} from './protocol.js' */

/** Errors after which a WebAssembly module cannot be trusted: the workers are started anew. */
const FATAL = /out of memory|allocation failed|memory access out of bounds|Aborted\(|fatally failed|unreachable|bad_alloc|MemoryError/i;
const MOST_RESTARTS = 3; // without a run in between that went well

/** @type {Engine} */
let engine;
/** @type {Promise<void>} */
let python;
/** @type {(update: RunUpdate) => void} */
let onUpdate = () => {};
let loads = 0; // the newest load's number; an older one's outcome is not shown
let restarts = 0;

/** The workers that answer now. */
export const theEngine = () => engine;

export const message = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** Says one sentence to the person. @param {string | null} text @param {boolean} [error] */
export function say(text, error = false) {
  state.notice.value = text === null ? null : { text, error };
}

/** @param {'model' | 'python'} part */
const progressOf = (part) => (/** @type {Progress | null} */ progress) => {
  state.loading.value = { ...state.loading.value, [part]: progress };
};

/** Starts both workers, without a model. */
function start() {
  const started = new Engine((update) => onUpdate(update), restart);
  engine = started;
  const onPython = progressOf('python');
  const begin = performance.now();
  python = started.wait(started.analysis.boot(callback(onPython))).then(async () => {
    state.colourings.value = await started.wait(started.analysis.colourings());
    const { colouring } = state.settings.value;
    const known = state.colourings.value.some(({ id }) => id === colouring);
    await started.wait(started.analysis.colours(-1, known ? colouring : state.colourings.value[0].id));
    performance.measure('tokenlight python', { start: begin });
    onPython(null);
  });
  python.catch(() => {});
}

/**
 * Starts both workers and, once it may, loads the first model (or the one asked for).
 * @param {string | null} modelId
 * @param {(update: RunUpdate) => void} updates called with every chunk's results
 * @returns {Promise<Manifest>} rejects with a sentence where the page cannot work
 */
export async function boot(modelId, updates) {
  onUpdate = updates;
  try {
    if (!isSecureContext) throw new Error('A browser runs this page only from a secure address: open it over https or on 127.0.0.1.');
    start();
    state.models.value = await fetchIndex(MODELS);
    const ids = state.models.value.map((entry) => entry.id);
    if (!ids.length) throw new Error('No model has been built yet: run python export/build.py, then reload this page.');
    if (modelId && !ids.includes(modelId)) say(`There is no model “${modelId.slice(0, 60)}” here; ${ids[0]} was loaded instead.`);
    const first = state.models.value.find(({ id }) => id === modelId) ?? state.models.value[0];
    return await load(await consentTo(first));
  } catch (error) {
    if (!state.model.value && state.phase.value !== 'error') fail(error);
    throw error;
  }
}

/** @param {unknown} error @param {string} [id] the model that could not be loaded */
function fail(error, id) {
  state.phase.value = state.model.value ? 'ready' : 'error';
  state.notice.value = { text: message(error), error: true, retry: state.model.value ? undefined : id };
}

/**
 * Switches to another model; the one that works now stays until the new one can answer.
 * @param {string} id
 * @returns {Promise<Manifest>}
 */
export async function load(id) {
  const number = ++loads;
  const onModel = progressOf('model');
  state.phase.value = 'booting';
  try {
    const loaded = await engine.wait(engine.inference.load(id, state.settings.value.device, callback(onModel)));
    performance.measure('tokenlight session', { start: performance.now(), duration: loaded.created });
    await python;
    if (number !== loads) throw new Error('Another model was chosen.');
    state.run.value = null;
    state.model.value = loaded;
    state.phase.value = 'ready';
    refreshStored().catch(() => {}); // only the picker and the list of what is stored show it
    if (loaded.fallback) say(`WebGPU could not be used (${loaded.fallback}): the model runs on the processor instead.`);
    return loaded.manifest;
  } catch (error) {
    if (number === loads && !(error instanceof EngineLost)) fail(error, id);
    throw error;
  } finally {
    if (number === loads) onModel(null);
  }
}

/** Stops the download under way; what has arrived is kept for the next try. */
export const cancelLoading = () => engine.inference.cancelLoading();

/**
 * Ends workers that died or cannot be trusted any more, starts new ones and loads the model again; the text stays.
 * @param {Error} why
 */
async function restart(why) {
  engine.stop();
  const id = state.model.value?.manifest.id ?? null;
  state.loading.value = { model: null, python: null };
  if (++restarts > MOST_RESTARTS || !id) {
    state.model.value = null;
    state.phase.value = 'error';
    say(`${why.message}, again and again: close other tabs or choose a smaller model, then reload this page.`, true);
    return;
  }
  say(`${why.message}. It is being started again; your text is still here.`, true);
  start();
  await load(id).then(() => say(`${why.message} and was started again; your text is still here.`), () => {});
}

/** Notes that a run went well: the workers can be trusted. */
export const trust = () => void (restarts = 0);

/** Starts anew after errors that leave a worker in ruins. @param {unknown} error */
export function mendAfter(error) {
  if (!(error instanceof EngineLost) && FATAL.test(message(error))) engine.lose(message(error).slice(0, 120));
}
