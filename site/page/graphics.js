// What trials of the graphics card have found, kept in this browser, and whether a model may run on it; main thread.

import { set } from './choices.js';
import { GRAPHICS } from './keys.js';
import * as state from './state.js';

/** @import {TrialVerdict} from '../shared/protocol.js' */

/**
 * What the trial of one model has found. `key`: what it holds for (trialKey in inference/device_trial.js); `outcome`: null until
 * it has ended, with the number of trials that were begun; `why` it failed; `used`: whether the user chose the graphics card;
 * `lost`: why it stopped working while it was used.
 * @typedef {{ key: string, adapter: string, begun: number, outcome: 'faster' | 'slower' | 'different' | 'failed' | null,
 *             why: string | null, verdict: TrialVerdict | null, used: boolean, lost: string | null }} Trial
 */

/** By model id. @type {Record<string, Trial>} */
let trials = read();

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(GRAPHICS) ?? '{}');
    return found !== null && typeof found === 'object' ? found : {};
  } catch {
    return {};
  }
}

/** The trial of a model, if it holds here and now. @param {string} id @param {string} key @returns {Trial | null} */
export function trialOf(id, key) {
  const found = Object.hasOwn(trials, id) ? trials[id] : null;
  return found?.key === key ? found : null;
}

/** Keeps what is known of a model's trial, and shows it. @param {string} id @param {Trial | null} trial null: nothing */
export function keepTrial(id, trial) {
  const { [id]: _, ...others } = trials;
  trials = trial ? { ...others, [id]: trial } : others;
  if (id === state.model.value?.manifest.id) state.graphics.value = { ...state.graphics.value, trial };
  if (state.removed.value) return;
  try {
    localStorage.setItem(GRAPHICS, JSON.stringify(trials));
  } catch {
    // a private window may refuse: the trial is then run again on the next visit
  }
}

/** The key of the trial that lets a model run on the graphics card, if the user chose it; null: it runs on the processor. @param {string} id */
export function provenKey(id) {
  const trial = Object.hasOwn(trials, id) ? trials[id] : null;
  const passed = trial?.outcome === 'faster' || trial?.outcome === 'slower';
  return state.settings.value.device === 'webgpu' && trial?.used && passed ? trial.key : null;
}

/** The graphics card stopped working: models run on the processor until the user chooses it again. @param {string} id of the model @param {string} why */
export function forsake(id, why) {
  set('device', 'wasm');
  const trial = Object.hasOwn(trials, id) ? trials[id] : null;
  if (trial) keepTrial(id, { ...trial, used: false, lost: why });
  set('keepProcessor', true);
}
