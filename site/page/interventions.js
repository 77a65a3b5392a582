// What users change inside the model: heads off or scaled, links cut, vectors added; the text is read again; main thread.

import { checkedInterventions } from '../shared/interventions.js';
import { isMeanIn, isOfMean } from './changes.js';
import { readUnder } from './edits.js';
import { say, tell } from './notices.js';
import { isEnded } from './part.js';
import { wholeView } from './questions.js';
import * as state from './state.js';

/** @import {Interventions} from '../shared/protocol.js' */
/** @typedef {{ layer: number, head: number }} Head */

const DIGITS = 6; // of a number that is added: a run's key holds all of them

/** A vector to add, with the digits that are kept. @param {ArrayLike<number>} vector */
export const rounded = (vector) => Array.from(vector, (value) => Number(value.toPrecision(DIGITS)));

/** Replaces the interventions and reads the text again; says what is wrong with them, if anything is. @param {Interventions} given */
export function setInterventions(given) {
  const manifest = state.model.value?.manifest;
  if (!manifest) return;
  try {
    const checked = checkedInterventions(given, manifest);
    if (JSON.stringify(checked) === JSON.stringify(state.interventions.value)) return;
    state.interventions.value = checked;
    void readUnder();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
}

/**
 * Takes the interventions of a link; whether they fit the model is checked when a text is read.
 * @param {string | null} json null: none @returns {string} what is wrong with them
 */
export function setFromLink(json) {
  /** @type {Interventions} */
  let given = {};
  let wrong = '';
  try {
    given = json === null ? {} : checkedInterventions(JSON.parse(json));
  } catch {
    wrong = 'The interventions in this link are not valid. They were ignored.';
  }
  if (state.model.value && (state.run.value || state.isRunning.value)) setInterventions(given);
  else state.interventions.value = given;
  return wrong;
}

/** Whether a head is at its mean now. @param {Head} which */
export const isMean = (which) => isMeanIn(state.interventions.value, which);

/** The interventions without those of some heads; a vector added to a head stays, unless it is the mean in its place. @param {Head[]} which */
function without(which) {
  const { heads = [], add = [], ...rest } = state.interventions.value;
  const named = (/** @type {{ layer: number, head?: number }} */ row) => which.some(({ layer, head }) => row.layer === layer && row.head === head);
  return { ...rest, heads: heads.filter((row) => !named(row)), add: add.filter((row) => !named(row) || !isOfMean(state.interventions.value, row)) };
}

/** Sets the scale of some heads; 1 leaves them as they are. @param {Head[]} which @param {number} scale */
export function scaleHeads(which, scale) {
  const rest = without(which);
  const changed = scale === 1 ? [] : which.map(({ layer, head }) => ({ layer, head, scale }));
  setInterventions({ ...rest, heads: [...rest.heads, ...changed] });
}

/** Puts a head's mean output over the text in its place, at every position. @param {Head} which */
export async function meanHead({ layer, head }) {
  try {
    const { arrays } = await wholeView('head_mean', { layer, head });
    const rest = without([{ layer, head }]);
    setInterventions({ ...rest, heads: [...rest.heads, { layer, head, scale: 0 }], add: [...rest.add, { layer, head, position: null, vector: rounded(arrays.vector.data) }] });
  } catch (error) {
    if (!isEnded(error)) tell(error); // else a newer run has come
  }
}

/** The scale of a head now. @param {Head} which */
export const scaleOf = ({ layer, head }) => state.interventions.value.heads?.find((row) => row.layer === layer && row.head === head)?.scale ?? 1;

/** Keeps a token, or all of them, from looking at others. @param {number | null} query a position; null: every later one @param {number[]} keys positions */
export const cutLinks = (query, keys) => setInterventions({ ...state.interventions.value, cut: [...(state.interventions.value.cut ?? []), { query, keys }] });

/** Removes one entry. @param {keyof Interventions} kind @param {number} index */
export const removeAt = (kind, index) => setInterventions({ ...state.interventions.value, [kind]: (state.interventions.value[kind] ?? []).filter((_, i) => i !== index) });

export const removeAll = () => setInterventions({});

/** Whether anything is changed. */
export const isChanged = () => Object.keys(state.interventions.value).length > 0;
