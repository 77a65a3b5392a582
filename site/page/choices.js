// What users choose beside the text: tokens, the lens, settings; main thread.

import { batch } from '../vendor/signals-core.js';
import * as state from './state.js';

/**
 * Changes what is chosen in the shown run.
 * @param {Partial<import('./state.js').Choice>} changes
 */
export function select(changes) {
  if ('pinned' in changes) state.tokenToPin.value = null; // the newest choice counts
  const { hovered, pinned, span } = state;
  state.selection.value = { run: state.run.value?.id ?? null, hovered: hovered.value, pinned: pinned.value, span: span.value, ...changes };
}

export const hover = (/** @type {number | null} */ index) => select({ hovered: index });

/** Pins a token, or unpins it if it is pinned; but opens its sheet again if that was closed. @param {number | null} index */
export const pin = (index) =>
  batch(() => {
    const opens = state.sheetClosed.value && state.SHEETS.matches && state.lens.value === 'tokens';
    if (state.pinned.value !== index || !opens) select({ pinned: state.pinned.value === index ? null : index });
    state.sheetClosed.value = false;
  });

/** Pins a token of the shown run, if it exists. @param {number} index */
export const pinIfThere = (index) => {
  if (index < (state.run.value?.tokens.ids.length ?? 0)) select({ pinned: index });
};

/** Selects the token that panels show; the last one means following the newest. @param {number} index */
export function stepTo(index) {
  const last = state.count.value - 1;
  if (last < 0) return;
  const to = Math.max(0, Math.min(last, index));
  select({ pinned: to === last ? null : to });
}

/** @param {number} by */
export const step = (by) => stepTo((state.current.value ?? 0) + by);

/**
 * Changes a setting of the page.
 * @template {keyof typeof state.settings.value} Name
 * @param {Name} name @param {(typeof state.settings.value)[Name]} value
 */
export const set = (name, value) => void (state.settings.value = { ...state.settings.value, [name]: value });

/** @param {string | null} id a lens; anything unknown is the first */
export const setLens = (id) => void (state.lens.value = state.lenses.value.find((lens) => lens === id) ?? state.lenses.value[0]);

/** Says what a lens colours the text by while it is open. @param {string} id @param {state.Shading | null} shading */
export const shade = (id, shading) => void (state.shadings.value = { ...state.shadings.peek(), [id]: shading });

/** Colours the text by one of the user's own metrics, as long as its run is shown. @param {string | null} name null: by none of them */
export const colourByOwn = (name) => void (state.ownColouring.value = name);

/** Says which lenses there are; the first is open until another is chosen. @param {string[]} ids */
export function offerLenses(ids) {
  state.lenses.value = ids;
  setLens(state.lens.value);
}

