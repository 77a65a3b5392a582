// Tries the graphics card once, while nothing else goes on, and lets the user choose it if its numbers are the same; main thread.

import { sentence } from '../frame/graphics.js';
import { set } from './choices.js';
import { keepTrial, trialOf } from './graphics.js';
import { INFERENCE, load, workers } from './models.js';
import { message, say, watch } from './notices.js';
import { storeGraphics } from './offline.js';
import { join, Part } from './part.js';
import * as state from './state.js';

/** @import {InferenceApi, LoadedModel, TrialPass} from '../shared/protocol.js' */
/** @import {Trial} from './graphics.js' */

const QUIET = 3000; // ms without a run, before the first trial; twice as long after each that a run has ended
const LONGEST = 60_000; // ms for one step of the graphics card
const ROUNDS = 3; // passes that are timed
const BYTES = 4; // of a parameter in memory, whatever its stored format
const MOST_BEGUN = 2; // trials that never ended, as when they crash the browser
/** @type {TrialPass[]} */
const PASSES = ['text', 'changed', 'batch'];

/** The worker of the trial under way. @type {Part<InferenceApi> | null} */
let trying = null;
let quiet = QUIET;

/** Tries the graphics card of each model when the page has been idle for some seconds. A run ends the trial; it begins again later. */
export function followGraphics() {
  let timer = 0;
  watch('graphics card', () => {
    clearTimeout(timer);
    void state.typed.value;
    if (state.phase.value !== 'ready') return void trying?.stop('A run began.');
    if (state.model.value) timer = setTimeout(() => whenIdle(() => void look(false)), quiet);
  });
}

/** @param {() => void} work Safari has no requestIdleCallback */
const whenIdle = (work) => ('requestIdleCallback' in globalThis ? requestIdleCallback(work) : work());

/** Where the model runs, as the user chooses in Settings. @param {import('../shared/protocol.js').Device} device */
export async function choose(device) {
  set('device', device);
  set('keepProcessor', device === 'wasm');
  const loaded = state.model.value;
  if (!loaded || device === loaded.device) return;
  if (device === 'webgpu') await look(true);
  else await load(loaded.manifest.id).catch(() => {}); // said on the page
}

/** Takes the offer. */
export const accept = () => choose('webgpu');

/** Refuses it, for every model. */
export const decline = () => set('keepProcessor', true);

/**
 * Finds out what is known about the graphics card and the current model, and tries it if that is due.
 * @param {boolean} asked whether the user has just chosen it
 */
async function look(asked) {
  const loaded = state.model.value;
  if (trying || !loaded || !state.canRun.value) return;
  if (!asked && (document.hidden || state.phase.value !== 'ready')) return;
  const { id } = loaded.manifest;
  const { inference } = workers();
  const found = await inference.wait(inference.api.trialKey()).catch(() => undefined);
  if (found === undefined || loaded !== state.model.value || trying) return; // the worker has ended
  const trial = found && trialOf(id, found.key);
  state.graphics.value = { looked: true, adapter: found?.adapter ?? null, trial, testing: false, why: found ? whyNot(loaded) : null };
  if (loaded.device === 'webgpu') return;
  if (!found) {
    if (asked) refuse(sentence());
    return;
  }
  const wanted = asked || (state.settings.value.device === 'webgpu' ? !trial?.lost : !state.settings.value.keepProcessor);
  const again = asked && (trial?.outcome === 'failed' || trial?.outcome === 'different');
  if (trial?.outcome && !again) {
    if (asked) await settle(loaded, trial, asked);
    return;
  }
  if (!wanted || (!asked && state.graphics.value.why)) return;
  const begun = (asked ? 0 : trial?.begun ?? 0) + 1;
  /** @type {Trial} */
  const fresh = { ...found, begun, outcome: null, why: null, verdict: null, used: false, lost: null };
  if (begun > MOST_BEGUN) return keepTrial(id, { ...fresh, outcome: 'failed', why: 'it did not finish' });
  const outcome = await compare(loaded, fresh);
  keepTrial(id, outcome && { ...fresh, ...outcome });
  if (outcome && loaded === state.model.value) await settle(loaded, { ...fresh, ...outcome }, asked);
}

/** Why a trial would cost the user too much, to be begun unasked; null if it would not. @param {LoadedModel} loaded */
function whyNot({ kept, manifest }) {
  const { connection, deviceMemory } = /** @type {{ connection?: { saveData?: boolean }, deviceMemory?: number }} */ (/** @type {unknown} */ (navigator));
  if (connection?.saveData) return 'the browser saves data';
  if (deviceMemory && 4 * BYTES * manifest.parameters > deviceMemory * 2 ** 30) return 'this device has little memory';
  return kept ? null : 'the model is not stored in this browser';
}

/**
 * Runs the passes on the processor and, in a worker of its own, on the graphics card.
 * @param {LoadedModel} loaded
 * @param {Trial} begun
 * @returns {Promise<Pick<Trial, 'outcome' | 'why' | 'verdict'> | null>} null: something else was to be done first
 */
async function compare({ manifest }, begun) {
  const { inference, analysis } = workers();
  const part = (trying = /** @type {Part<InferenceApi>} */ (new Part(INFERENCE, () => {})));
  const onCard = async (/** @type {Promise<any>} */ step) => {
    const timer = setTimeout(() => part.lose(`one step took more than ${LONGEST / 1000} s`), LONGEST);
    return part.wait(step).finally(() => clearTimeout(timer));
  };
  let ended = false; // by a run, or since a worker of the page has crashed
  const beside = (/** @type {Promise<any>} */ step) => inference.wait(step).catch((error) => {
    ended = true;
    throw error;
  });
  keepTrial(manifest.id, begun);
  state.graphics.value = { ...state.graphics.value, testing: true };
  const times = { processor: /** @type {number[]} */ ([]), graphics: /** @type {number[]} */ ([]) };
  try {
    join(part, analysis);
    await onCard(part.api.startTrial(manifest.id));
    await analysis.wait(analysis.api.beginTrial(manifest));
    for (const pass of PASSES) {
      await beside(inference.api.runTrial(pass, 'wasm'));
      await onCard(part.api.runTrial(pass, 'webgpu'));
    }
    for (let round = 0; round < ROUNDS; round++) {
      times.processor.push(await beside(inference.api.timeTrial()));
      times.graphics.push(await onCard(part.api.timeTrial()));
    }
    const verdict = await analysis.wait(analysis.api.judgeTrial(times));
    return { outcome: !verdict.same ? 'different' : verdict.fast ? 'faster' : 'slower', why: null, verdict };
  } catch (error) {
    if (ended || state.phase.value !== 'ready') {
      quiet *= 2;
      return null;
    }
    console.error(error);
    return { outcome: 'failed', why: reason(error), verdict: null };
  } finally {
    part.stop('The trial has ended.');
    trying = null;
    state.graphics.value = { ...state.graphics.value, testing: false };
  }
}

/** Why the graphics card failed, short enough for a sentence. @param {unknown} error */
const reason = (error) => message(error).replace(/^A part of the page stopped working \((.*)\)$/, '$1').split('\n')[0].slice(0, 160);

/**
 * Moves the model to the graphics card if the user wants that: one that is slower only if they have just chosen it.
 * @param {LoadedModel} loaded @param {Trial} trial @param {boolean} asked
 */
async function settle({ manifest }, trial, asked) {
  if (state.settings.value.device !== 'webgpu') return;
  if (trial.outcome !== 'faster' && !(asked && trial.outcome === 'slower')) {
    if (asked) refuse(sentence());
    return;
  }
  keepTrial(manifest.id, { ...trial, used: true, lost: null });
  await load(manifest.id).then(() => say(`${manifest.name} runs on the graphics card now. ${sentence()}`), () => {});
  void storeGraphics();
}

/** The user's choice cannot be followed. @param {string} why */
function refuse(why) {
  set('device', 'wasm');
  say(`WebGPU could not be used. ${why}`);
}
