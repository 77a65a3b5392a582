// Starts Python and models, switches between models, and restarts what has crashed; main thread.

import { megabytes } from '../frame/format.js';
import { MISSING } from '../shared/manifest.js';
import { isOutOfMemory, NOT_FOR_PYTHON, NOT_FOR_TEXT } from '../shared/memory.js';
import { batch } from '../vendor/signals-core.js';
import { consentTo } from './consent.js';
import { forsake, provenKey } from './graphics.js';
import { lacking, listModels } from './model_list.js';
import { message, say, sayToo } from './notices.js';
import { callback, join, NotLoaded, Part, PartLost, patience } from './part.js';
import * as state from './state.js';
import { refreshStored } from './storage.js';

/** @import {AnalysisApi, InferenceApi, LoadedModel, Manifest, Progress, RunUpdate} from '../shared/protocol.js' */

/** Errors after which, as after memory has run out, a WebAssembly module cannot be trusted: its worker is replaced. */
const FATAL = /memory access out of bounds|Aborted\(|fatally failed|unreachable/i;
const FATAL_ON_CARD = new RegExp(`${FATAL.source}|onnxruntime|Non-zero status code|WebGPU`, 'i');
const MOST_RESTARTS = 3; // without a successful run in between
const MOST_TO_STOP = 20_000; // ms; one pass of a large model on a slow machine takes some seconds

export const INFERENCE = new URL('../inference/inference.worker.js', import.meta.url);
const ANALYSIS = new URL('../analysis/analysis.worker.js', import.meta.url);

/**
 * Python's worker; `booted` rejects if it could not start, and the next load starts another.
 * @typedef {{ part: Part<AnalysisApi>, booted: Promise<void> }} Python
 */
/** @type {Python | null} */
let python = null;
/** The worker of the model that answers. @type {Part<InferenceApi> | null} */
let inference = null;
/** The worker of the model that is being loaded. @type {{ part: Part<InferenceApi>, id: string } | null} */
let candidate = null;
let loads = 0; // the newest load's number; the outcome of older ones is not shown
let links = 0; // the newest link's number; an older one's model is not loaded after it
let linked = /** @type {string | null} */ (null); // the model of the newest link, as long as none has been loaded
let restarts = 0;
let complaint = state.notice.value; // what was said of the last load that failed
/** @type {(update: RunUpdate) => void} */
let onUpdate = () => {};
/** Called when a model is ready; `crashed`: whether no run has succeeded since a worker crashed. @type {(crashed: boolean) => void} */
let onSwitch = () => {};

/** @returns {{ inference: Part<InferenceApi>, analysis: Part<AnalysisApi> }} the workers that answer now */
export function workers() {
  if (!inference || !python) throw new Error('No model is loaded yet. Await tokenlight.ready.');
  return { inference, analysis: python.part };
}

/** Python's worker, whether or not a model is loaded; null while there is none. */
export const analysis = () => python?.part ?? null;

/** @param {'model' | 'python'} part @param {Progress | null} progress */
const show = (part, progress) => void (state.loading.value = { ...state.loading.value, [part]: progress });

/** Starts Python unless it is already running or starting. */
function startPython() {
  if (python) return python;
  const begin = performance.now();
  /** @type {Part<AnalysisApi>} */
  const part = new Part(ANALYSIS, (why) => pythonDied(mine, why));
  const { onProgress, end } = patience(part, 'the start of Python', (progress) => show('python', progress));
  let drawing = 0; // ms that the page took to draw the previous update
  part.api.subscribe(callback((/** @type {RunUpdate} */ update) => {
    const began = performance.now();
    onUpdate(update);
    requestAnimationFrame(() => setTimeout(() => (drawing = performance.now() - began)));
    return drawing;
  }));
  show('python', { stage: 'Starting Python' });
  const boot = async () => {
    try {
      const { colourings, palettes, made_by: madeBy } = await part.wait(part.api.boot(onProgress));
      const { colouring, words } = state.settings.value;
      const known = colourings.find(({ id, of_words }) => id === colouring && (of_words || !words)) ?? colourings[0];
      const coloured = part.wait(part.api.colour(known.id, words)); // before the menus are there, with which the next may be chosen
      batch(() => {
        state.colourings.value = colourings;
        state.palettes.value = palettes;
        state.madeBy.value = madeBy;
      });
      await coloured;
      performance.measure('tokenlight python', { start: begin });
    } catch (cause) {
      const error = isOutOfMemory(cause) ? new Error(NOT_FOR_PYTHON, { cause }) : cause;
      part.stop(message(error));
      if (python === mine) python = null;
      throw error;
    } finally {
      end();
      if (python === mine || !python) show('python', null);
    }
  };
  /** @type {Python} */
  const mine = { part, booted: Promise.resolve() };
  python = mine;
  mine.booted = boot();
  mine.booted.catch(() => {}); // reported by the load that awaits it
  return mine;
}

/**
 * Lists the models and, once the visitor has agreed, loads the requested one or the first. Errors are shown.
 * @param {string | null} modelId
 * @param {{ onUpdate: typeof onUpdate, onSwitch: typeof onSwitch }} events onUpdate: with every chunk's results
 */
export async function boot(modelId, events) {
  ({ onUpdate, onSwitch } = events);
  linked ??= modelId;
  try {
    if (!isSecureContext) throw new Error('This page needs https or localhost.');
    startPython();
    await listModels(linked);
    const { value: models } = state.models;
    const lack = linked && lacking(linked);
    if (lack) sayToo(`${lack} Using ${models[0].id} instead.`);
    const id = await consentTo(() => models.find((entry) => entry.id === linked) ?? models[0]);
    if (!loads) await load(id); // else a script or the visitor chose another meanwhile
  } catch (error) {
    if (!loads) fail(error);
  }
}

/** @param {unknown} error @param {string} [id] the model that could not be loaded */
function fail(error, id) {
  if (!inference) state.failure.value = message(error);
  say(message(error), true, inference ? undefined : id);
  const isMissing = /** @type {Error} */ (error).name === MISSING;
  const other = isMissing && state.models.value.find((entry) => entry.id !== id);
  if (state.notice.value?.retry && other) {
    state.notice.value = { ...state.notice.value, retry: other.id, button: `Use ${other.name} (${megabytes(other.bytes)})` };
  }
  complaint = state.notice.value;
}

/**
 * Switches to another model in a new worker; the current model stays until the new one is ready.
 * @param {string} id
 * @returns {Promise<Manifest>}
 */
export async function load(id) {
  if (lacking(id)) await listModels(id);
  const lack = lacking(id);
  if (lack) throw new RangeError(`${lack} Choose from ${state.models.value.map((entry) => entry.id).join(', ')}.`);
  const number = ++loads;
  candidate?.part.stop('Another model was chosen.');
  try {
    return await start(id, number).catch((error) => {
      if (error instanceof NotLoaded && number === loads) return start(id, number); // a connection may fail once
      throw error;
    });
  } catch (error) {
    if (number === loads) fail(error, id);
    throw error;
  }
}

/** Loads the model that a link or a lesson names; before the first is loaded, it is the one to be offered. @param {string} id */
export async function loadLinked(id) {
  const mine = ++links;
  const lack = () => (state.models.value.length ? lacking(id) : null); // of an empty list, boot says it
  if (lack()) await listModels(id).catch(() => {});
  if (mine !== links) return;
  const chosen = candidate?.id ?? state.model.value?.manifest.id;
  if (lack()) return sayToo(chosen ? `${lack()} Using ${chosen} instead.` : `${lack()}`);
  linked = id;
  if (state.consent.value) state.consent.value = state.models.value.find((entry) => entry.id === id) ?? null;
  else if (loads && id !== chosen) load(id).catch(() => {}); // said on the page
}

/** Starts a model once, without showing an error. @param {string} id @param {number} number of this load @returns {Promise<Manifest>} */
async function start(id, number) {
  /** @type {Part<InferenceApi>} */
  const part = new Part(INFERENCE, () => {});
  candidate = { part, id };
  const { part: analysisPart, booted } = startPython();
  const follow = (/** @type {Progress} */ progress) => {
    if (number === loads) show('model', progress);
  };
  const { onProgress, end } = patience(part, 'the start of the model', follow, booted); // it is registered with Python
  batch(() => {
    if (state.failure.value !== null || state.notice.value === complaint) say(null); // not what a link or a lesson had to say
    state.failure.value = state.consent.value = null;
    show('model', { stage: 'Loading the model' });
  });
  try {
    join(part, analysisPart);
    booted.catch((error) => part.stop(error instanceof PartLost ? error : message(error))); // the model cannot be registered with it
    const loaded = await part.wait(part.api.load(id, provenKey(id), onProgress));
    await booted;
    performance.measure('tokenlight session', { start: performance.now(), duration: loaded.created });
    if (inference && number === loads) await stopped(inference);
    if (number !== loads) throw new PartLost('Another model was chosen.');
    takeOver(part, loaded);
    return loaded.manifest;
  } catch (error) {
    part.stop(message(error));
    throw error;
  } finally {
    end();
    if (candidate?.part === part) candidate = null;
    if (number === loads) show('model', null);
  }
}

/** Makes the new model the current one; ending the old one's worker frees its memory. @param {Part<InferenceApi>} part @param {LoadedModel} loaded */
function takeOver(part, loaded) {
  const old = inference;
  inference = part;
  part.onLost = (why) => modelDied(part, loaded.manifest.id, why);
  batch(() => {
    state.model.value = loaded;
    state.restarting.value = false;
  });
  old?.stop('Another model was chosen.');
  refreshStored().catch(() => {}); // only the picker and the list of what is stored show it
  if (loaded.fallback) say(`WebGPU could not be used (${loaded.fallback}). The model runs on the processor instead.`);
  if (loaded.device === 'webgpu') part.wait(part.api.deviceLost()).then((why) => part.lose(`the graphics card was lost: ${why}`), () => {});
  onSwitch(restarts > 1);
}

/** Stops a worker's requests and waits until its run has ended. @param {Part<InferenceApi>} part */
async function stopped(part) {
  await stop(part).catch(() => {});
  for (let i = 0; i < MOST_TO_STOP / 10 && state.underWay.value !== null; i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Cancels the current download; complete chunks are kept for the next try. */
export const cancelLoading = () => candidate?.part.stop('Loading was cancelled. Finished parts are kept.');

/**
 * Ends the current run and all waiting requests. A worker that does not answer is replaced: a healthy one answers after
 * its current pass.
 * @param {Part<InferenceApi> | null} part
 */
export async function stop(part = inference) {
  if (!part) return;
  const stuck = setTimeout(() => part.lose('it did not respond to Stop'), MOST_TO_STOP);
  await part.wait(part.api.stop()).finally(() => clearTimeout(stuck));
}

/** Python's worker once it can answer, whether or not there is a model. */
export async function analysisStarted() {
  const { part, booted } = startPython();
  await booted;
  return part;
}

/** @param {Python} dead @param {PartLost} why */
function pythonDied(dead, why) {
  if (python !== dead) return;
  python = null;
  show('python', null);
  state.forgotten.value = state.run.value?.id ?? null;
  const id = candidate?.id ?? state.model.value?.manifest.id;
  candidate?.part.stop(why); // its model can no longer be registered with Python
  if (!inference || !id) return;
  inference.stop(why.message); // it may be waiting for an answer that will never come
  inference = null;
  state.restarting.value = true;
  void restart(id, why);
}

/** @param {Part<InferenceApi>} dead @param {string} id of its model @param {PartLost} why */
function modelDied(dead, id, why) {
  if (inference !== dead) return;
  inference = null;
  state.restarting.value = true;
  if (state.model.value?.device === 'webgpu') forsake(id, why.message);
  if (!candidate) void restart(id, why); // else another model is already loading
}

/** Loads the model again after a worker crashed; text and run are kept. @param {string} id @param {PartLost} why */
async function restart(id, why) {
  if (++restarts > MOST_RESTARTS) {
    restarts = 0;
    batch(() => {
      state.model.value = null;
      state.failure.value = why.message;
      say('The model keeps crashing. Close other tabs or choose a smaller model.', true, id);
    });
    return;
  }
  const where = state.model.value?.device === 'webgpu' ? ' on the processor' : '';
  say(`${why.message}. Restarting it${where}; your text is unchanged.`, true);
  const after = isOutOfMemory(why) ? NOT_FOR_TEXT : `${why.message}. It was restarted${where}; your text is unchanged.`;
  await load(id).then(() => say(after, isOutOfMemory(why)), () => {});
}

/** Records a successful run: the workers can be trusted. */
export const trust = () => void (restarts = 0);

/** Replaces a worker whose memory an error has left unusable, or that cannot compute on the graphics card. @param {unknown} error @param {Part<any>} part */
export function retireAfter(error, part) {
  const fatal = state.model.value?.device === 'webgpu' ? FATAL_ON_CARD : FATAL;
  if (error instanceof PartLost || !(fatal.test(message(error)) || isOutOfMemory(error))) return;
  part.lose(isOutOfMemory(error) ? 'it ran out of memory' : message(error).slice(0, 120));
}
