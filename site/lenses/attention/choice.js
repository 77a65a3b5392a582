// What the attention lens shows: the open head, which heads shade the text and how, and the token they are about; main thread.

import { countOf } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { batch, computed, signal } from '../../vendor/signals-core.js';

/** @import {Heads, Lacking} from '../../shared/protocol.js' */
/** @typedef {{ layer: number, head: number }} Head */

/** The head that the visitor opened, the one pointed at, and those picked to be combined (their names, “layer.head”), of whichever model. */
const opened = signal(/** @type {Head | null} */ (null));
export const pointed = signal(/** @type {Head | null} */ (null));
export const picked = signal(/** @type {ReadonlySet<string>} */ (new Set()));

/** The heads that were picked, as far as this model has them. */
export const pickedHere = computed(() => [...picked.value].map((name) => {
  const [layer, index] = name.split('.').map(Number);
  return /** @type {Head} */ ({ layer, head: index });
}).filter(hasHead));

/** Which heads shade the text: all, those of the open head's layer, the open head, or those that were picked. */
export const scope = signal(/** @type {'all' | 'layer' | 'head' | 'picked'} */ ('all'));
/** The same, or the open head if this model has none of those that were picked. */
export const scopeHere = computed(() => (scope.value === 'picked' && !pickedHere.value.length ? 'head' : scope.value));
/** How several heads are combined. */
export const by = signal(/** @type {'mean' | 'max'} */ ('mean'));
/** Whether the text is shaded by what a token looks at (to), or by what looks at it (from). */
export const direction = signal(/** @type {'to' | 'from'} */ ('to'));
/** Whether attention to the first position, the sink, is left out and the rest divided by its sum. */
export const sinkHidden = signal(false);

/** The token the lens is about: the pinned one, else the one pointed at, else the newest. */
export const subject = computed(() => state.pinned.value ?? state.hovered.value ?? state.current.value);

/** The open head: at first the one with the highest induction score. */
export const head = computed(() => {
  const manifest = state.model.value?.manifest;
  const chosen = opened.value;
  if (!manifest || (chosen && hasHead(chosen))) return chosen;
  return best(manifest.head_scores?.induction ?? []);
});

/** Whether the model has a head; false while there is no model. @param {Head} which */
export function hasHead({ layer, head: index }) {
  const { layers = 0, heads = 0 } = state.model.value?.manifest ?? {};
  return layer < layers && index < heads;
}

/** The head with the highest score. @param {(number | null)[][]} scores [layer, head] @returns {Head} */
function best(scores) {
  const found = { layer: 0, head: 0, score: -1 };
  scores.forEach((row, layer) => row.forEach((score, index) => {
    if (score !== null && score > found.score) Object.assign(found, { layer, head: index, score });
  }));
  return { layer: found.layer, head: found.head };
}

/** Opens a head, which may be a row of a list with more about it, and shades the text by it, or still by its layer. @param {Head} which */
export const open = ({ layer, head: index }) =>
  batch(() => {
    opened.value = { layer, head: index };
    if (scope.value !== 'layer') scope.value = 'head';
  });

/** Picks a head to be combined with others, or unpicks it. @param {Head} which */
export const pick = (which) =>
  batch(() => {
    const key = nameOf(which);
    picked.value = new Set(picked.value.has(key) ? [...picked.value].filter((each) => each !== key) : [...picked.value, key]);
    scope.value = picked.value.size ? 'picked' : 'head';
  });

/** A head's name, as in “17.4”: layer and head. @param {Head} which */
export const nameOf = ({ layer, head: index }) => `${layer}.${index}`;

/** The heads that shade the text now. @returns {Heads} */
export function shadingHeads() {
  const manifest = state.model.value?.manifest;
  const one = pointed.value ?? head.value;
  if (!manifest || !one || (scopeHere.value === 'all' && !pointed.value)) return null;
  if (pointed.value || scopeHere.value === 'head') return [[one.layer, one.head]];
  if (scopeHere.value === 'layer') return Array.from({ length: manifest.heads }, (_, index) => [one.layer, index]);
  return pickedHere.value.map(({ layer, head: index }) => [layer, index]);
}

/** Those heads in words. */
export function shadingWords() {
  const how = by.value === 'mean' ? 'mean' : 'maximum';
  const one = pointed.value ?? head.value;
  if (pointed.value || scopeHere.value === 'head') return one ? `head ${nameOf(one)}` : '';
  if (scopeHere.value === 'layer') return `layer ${one?.layer} (${how} over heads)`;
  return scopeHere.value === 'all' ? `all heads (${how})` : `${countOf(pickedHere.value.length, 'head')} (${how})`;
}

/** Why there is no weight between a query and a key. @param {number} query @param {number} key positions or tokens */
export const noWeight = (query, key) => (key > query ? 'it comes later' : 'not shown');

/** The attention that an answer still lacks; null: none. @param {{ json: object }} answer */
export const missingAttention = ({ json }) => /** @type {Partial<Lacking>} */ (json).missing ?? null;

/**
 * An answer, once it lacks nothing.
 * @template {{ json: object }} A @param {A | null} answer @returns {Complete<A> | null}
 */
export const complete = (answer) => /** @type {any} */ (answer && missingAttention(answer) === null ? answer : null);

/**
 * @template {{ json: object }} A
 * @typedef {A extends { json: infer Json, arrays: infer Arrays } ? { json: Exclude<Json, Lacking>, arrays: Arrays } : never} Complete
 */
