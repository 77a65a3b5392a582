// A steering vector: held, added to the model with a strength, saved, opened, and generated with and without; main thread.

import { saveJson } from '../../charts/files.js';
import { generate, readUnder } from '../../page/edits.js';
import { rounded, setInterventions } from '../../page/interventions.js';
import { say, tell } from '../../page/notices.js';
import { isEnded } from '../../page/part.js';
import { wholeRun } from '../../page/questions.js';
import { asBefore, samplingOptions } from '../../page/run_options.js';
import * as state from '../../page/state.js';
import { textOf } from '../../shared/token_text.js';
import { readVectorFile, vectorFile } from '../../shared/vector_file.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {Steering} from '../../shared/vector_file.js' */

const MOST_BYTES = 1_000_000;

/** The vector that is held, of a model (sha256); words: what it is. @typedef {Steering & { model: string, words: string }} Held */
const kept = signal(/** @type {Held | null} */ (null));
export const strength = signal(1);
/** Whether another vector is being taken while one is held. */
export const isTaking = signal(false);
/** The entry of `add` that is this vector's, as JSON. */
const entry = signal('');
/** A prompt, and the texts generated from its tokens without the vector and with it; null: not yet. @typedef {{ prompt: string, before: string | null, after: string | null, strength: number, busy: boolean }} Pair */
export const pair = signal(/** @type {Pair | null} */ (null));

/** The vector, if it is of the model that is loaded. */
export const held = computed(() => (kept.value?.model === state.model.value?.manifest.sha256 ? kept.value : null));

/** Holds a vector in the place of the last one, which is no longer added. @param {Steering} steering @param {string} words */
export function hold({ layer, vector }, words) {
  if (isSteering.value) stopSteering();
  const model = state.model.value?.manifest.sha256;
  if (model) kept.value = { layer, vector, words, model };
  pair.value = null;
  isTaking.value = false;
}

/** The interventions without this vector. */
function others() {
  const { add = [], ...rest } = state.interventions.value;
  const left = add.filter((row) => JSON.stringify(row) !== entry.value);
  return { ...rest, ...(left.length ? { add: left } : {}) };
}

/** The interventions with it, in the place of the one added before. @param {Held} vector */
function steered({ layer, vector }) {
  const rest = others();
  const row = { layer, position: null, vector: rounded(vector.map((value) => value * strength.value)) };
  entry.value = JSON.stringify(row);
  return { ...rest, add: [...(rest.add ?? []), row] };
}

export const isSteering = computed(() => (state.interventions.value.add ?? []).some((row) => JSON.stringify(row) === entry.value));

/** Adds the vector: the text is read again. */
export function steer() {
  if (held.value) setInterventions(steered(held.value));
}

export const stopSteering = () => setInterventions(others());

/** @param {number} value */
export function setStrength(value) {
  strength.value = value;
  if (isSteering.value) steer();
}

export function release() {
  if (isSteering.value) stopSteering();
  kept.value = null;
  pair.value = null;
}

/**
 * Generates from the current text, or from what it was generated from, without the vector and then with it. The page's
 * interventions keep the vector meanwhile: whatever ends this, the next run has it, and a text left without it is read again.
 */
export async function compare() {
  const run = state.run.value;
  const vector = held.value;
  if (!run?.done || run.stored || !vector) return;
  const ids = run.tokens.ids.slice(0, run.given);
  const prompt = textOf(run.tokens, 0, run.given);
  const options = samplingOptions(asBefore(run));
  const without = others();
  /** @type {Pair} */
  const mine = { prompt, before: null, after: null, strength: strength.value, busy: true };
  pair.value = mine;
  const show = (/** @type {Partial<Pair>} */ more) => void (pair.value = { ...mine, ...Object.assign(mine, more) });
  let bare = -1; // the run without the vector
  try {
    for (const [name, interventions] of /** @type {const} */ ([['before', without], ['after', steered(vector)]])) {
      const { id, done } = generate(ids, { ...options, interventions }, { given: run.given, once: name === 'before' });
      if (name === 'before') bare = id;
      const { stopped } = await done;
      show({ [name]: (await wholeRun(id)).text }); // the page may not have the last tokens yet
      if (stopped) return;
    }
  } catch (error) {
    if (!isEnded(error) && state.run.value?.done) tell(error); // else a newer run took its place
  } finally {
    show({ busy: false });
    const isLeft = state.run.value?.id === bare && state.underWay.value === null; // no newer run has come
    if (isSteering.value && isLeft && state.canRun.value) void readUnder();
  }
}

/** Saves the vector, without the strength. */
export function saveVector() {
  const manifest = state.model.value?.manifest;
  if (manifest && held.value) saveJson(`tokenlight-vector-layer-${held.value.layer}`, vectorFile(manifest, held.value));
}

/** Opens a saved vector; what is held stays if it cannot be used. @param {File | undefined} file */
export async function openVector(file) {
  const manifest = state.model.value?.manifest;
  if (!file || !manifest) return;
  if (file.size > MOST_BYTES) return say(`${file.name} is too large for a vector: choose a file saved by “Save the vector”.`, true);
  try {
    hold(readVectorFile(await file.text(), manifest), `from ${file.name}`);
  } catch (error) {
    tell(error);
  }
}
