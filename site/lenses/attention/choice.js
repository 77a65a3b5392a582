// What the attention lens shows: the open head, which heads shade the text and how, and the token they are about; main thread.

import * as state from '../../page/state.js';
import { batch, computed, signal } from '../../vendor/signals-core.js';

/** @import {Heads, Lacking} from '../../shared/protocol.js' */
/** @typedef {{ layer: number, head: number }} Head */

/** The head that the visitor opened, one that is only pointed at, and those picked to be combined, as layer.head. */
const opened = signal(/** @type {Head | null} */ (null));
export const pointed = signal(/** @type {Head | null} */ (null));
export const picked = signal(/** @type {ReadonlySet<string>} */ (new Set()));

/** Whose attention shades the text: of all heads, of the open head's layer, of the open head, or of those that were picked. */
export const scope = signal(/** @type {'all' | 'layer' | 'head' | 'picked'} */ ('all'));
export const by = signal(/** @type {'mean' | 'max'} */ ('mean'));
/** Whether the text is shaded by what a token looks at, or by what looks at it. */
export const direction = signal(/** @type {'to' | 'from'} */ ('to'));
/** Whether attention to the first position is left out, and the rest divided by its sum. */
export const sinkHidden = signal(false);

/** The token the lens is about: the pinned one, else the one pointed at, else the newest. */
export const subject = computed(() => state.pinned.value ?? state.hovered.value ?? state.current.value);

/** The open head: at first the one with the highest induction score. */
export const head = computed(() => {
  const manifest = state.model.value?.manifest;
  const chosen = opened.value;
  if (!manifest || (chosen && chosen.layer < manifest.layers && chosen.head < manifest.heads)) return chosen;
  return best(manifest.head_scores?.induction ?? []);
});

/** @param {(number | null)[][]} scores @returns {Head} */
function best(scores) {
  const found = { layer: 0, head: 0, score: -1 };
  scores.forEach((row, layer) => row.forEach((score, index) => {
    if (score !== null && score > found.score) Object.assign(found, { layer, head: index, score });
  }));
  return { layer: found.layer, head: found.head };
}

/** Opens a head, and shades the text by it. @param {Head} which */
export const open = (which) =>
  batch(() => {
    opened.value = which;
    if (scope.value !== 'layer') scope.value = 'head';
  });

/** Adds a head to those that are combined, or takes it away. @param {Head} which */
export const pick = (which) =>
  batch(() => {
    const key = nameOf(which);
    picked.value = new Set(picked.value.has(key) ? [...picked.value].filter((each) => each !== key) : [...picked.value, key]);
    scope.value = picked.value.size ? 'picked' : 'head';
  });

/** “17.4”: layer and head. @param {Head} which */
export const nameOf = ({ layer, head: index }) => `${layer}.${index}`;

/** The heads that shade the text now. @returns {Heads} */
export function shadingHeads() {
  const manifest = state.model.value?.manifest;
  const one = pointed.value ?? head.value;
  if (!manifest || !one || (scope.value === 'all' && !pointed.value)) return null;
  if (pointed.value || scope.value === 'head') return [[one.layer, one.head]];
  if (scope.value === 'layer') return Array.from({ length: manifest.heads }, (_, index) => [one.layer, index]);
  return [...picked.value].map((name) => /** @type {[number, number]} */ (name.split('.').map(Number))).filter(([layer, index]) => layer < manifest.layers && index < manifest.heads);
}

/** Those heads in words. */
export function shadingWords() {
  const how = by.value === 'mean' ? 'mean' : 'maximum';
  const one = pointed.value ?? head.value;
  if (pointed.value || scope.value === 'head') return one ? `head ${nameOf(one)}` : '';
  if (scope.value === 'layer') return `layer ${one?.layer} (${how} over heads)`;
  return scope.value === 'all' ? `all heads (${how})` : `${picked.value.size} heads (${how})`;
}

/** What an answer still lacks. @param {{ json: object }} answer */
export const lackOf = ({ json }) => /** @type {Partial<Lacking>} */ (json).missing ?? null;

/** An answer, once it is complete. @template {{ json: object }} A @param {A | null} answer @returns {Complete<A> | null} */
export const complete = (answer) => /** @type {any} */ (answer && lackOf(answer) === null ? answer : null);

/** @template {{ json: object }} A @typedef {A extends { json: infer Json, arrays: infer Arrays } ? { json: Exclude<Json, Lacking>, arrays: Arrays } : never} Complete */
