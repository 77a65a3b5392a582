// A lesson that is being written: begun from the page as it is, or from the open lesson; kept until the page is closed; main thread.

import { byId } from '../frame/mount.js';
import * as state from '../page/state.js';
import { signal } from '../vendor/signals-core.js';
import { CONDITIONS } from './conditions.js';
import { known, shownPanels } from './controls.js';
import { leave } from './lesson.js';
import { checkedLesson, SCHEMA } from './schema.js';
import { seen } from './seen.js';

/** @import {Lesson, Step, Waits} from './schema.js' */

/** As Lesson, with every field there, so that each has a control. @typedef {{ do: string, see: string, text: string | null, waits: Waits }} DraftStep */
/** @typedef {{ title: string, text: string, model: string | null, lens: string, lenses: string[], panels: string[], steps: DraftStep[] }} Draft */

export const draft = signal(/** @type {Draft | null} */ (null));
/** Whether it is shown, and what is wrong with it. */
export const isWriting = signal(false);
export const fault = signal('');

const WORD = /[\p{L}\p{M}\p{N}_]+/gu;

/** @returns {DraftStep} */
const firstStep = () => ({ do: '', see: '', text: null, waits: { for: 'read' } });

/** Begins a lesson, goes on with the one begun before, or changes the one that is open. */
export function startWriting() {
  const open = state.lesson.value?.lesson;
  if (open) {
    draft.value = draftOf(open);
    leave();
  } else draft.value ??= { title: '', text: state.text.value, model: null, lens: state.lens.value, ...known(), steps: [firstStep()] };
  [fault.value, isWriting.value] = ['', true];
  byId('writer-title').focus();
}

/** @param {Lesson} lesson @returns {Draft} */
const draftOf = ({ title, text, model, lens, lenses, panels, steps }) => ({
  title, text, model: model ?? null, lens: lens ?? state.lens.value, lenses: lenses ?? known().lenses, panels: shownPanels(panels),
  steps: steps.map(({ see = '', text = /** @type {string | null} */ (null), ...step }) => ({ ...step, see, text })),
});

/** The lesson as it is written, checked as any other. @returns {Lesson} */
export function finished() {
  const { title, text, model, lens, lenses, panels, steps } = /** @type {Draft} */ (draft.value);
  const all = known();
  return checkedLesson({
    schema: SCHEMA, title, text, lens,
    ...(model === null ? {} : { model }),
    ...(lenses.length < all.lenses.length ? { lenses } : {}),
    ...(panels.length < all.panels.length ? { panels } : {}),
    steps: steps.map((/** @type {DraftStep} */ step) => /** @type {Step} */ ({
      do: step.do, waits: step.waits, ...(step.see.trim() ? { see: step.see } : {}), ...(step.text === null ? {} : { text: step.text }),
    })),
  }, all);
}

/** @param {Partial<Draft>} changes */
export function edit(changes) {
  if (draft.value) draft.value = { ...draft.value, ...changes };
  fault.value = '';
}

/** @param {number} index @param {Partial<DraftStep>} changes */
export const editStep = (index, changes) => edit({ steps: (draft.value?.steps ?? []).map((step, i) => (i === index ? { ...step, ...changes } : step)) });

export const addStep = () => edit({ steps: [...(draft.value?.steps ?? []), firstStep()] });

/** @param {number} index */
export const removeStep = (index) => edit({ steps: (draft.value?.steps ?? []).filter((_, i) => i !== index) });

/** Moves a step one place up. @param {number} index from 1 */
export function moveUp(index) {
  const steps = [...(draft.value?.steps ?? [])];
  [steps[index - 1], steps[index]] = [steps[index], steps[index - 1]];
  edit({ steps });
}

/** What a condition would wait for if it were met by the page as it is. @param {string} name of the condition @returns {Waits} */
export function waitsNow(name) {
  const now = seen();
  const { fields } = CONDITIONS[name];
  /** @type {Waits} */
  const waits = { for: name };
  if (fields.includes('lens')) waits.lens = now.lens;
  if (fields.includes('colouring')) waits.colouring = now.colouring;
  if (fields.includes('head')) waits.head = (name === 'off' ? now.off[0] : now.head) ?? 'induction';
  if (fields.includes('word?') && now.pinned !== null) Object.assign(waits, wordAt(now, now.pinned));
  return waits;
}

/** The word around a token with its place among equal ones. @param {ReturnType<typeof seen>} now @param {number} token @returns {Partial<Waits>} */
function wordAt({ text, bytes }, token) {
  const all = new TextEncoder().encode(text);
  const decoded = (/** @type {number} */ from, /** @type {number} */ to) => new TextDecoder().decode(all.subarray(from, to));
  const own = decoded(...bytes[token]);
  const at = decoded(0, bytes[token][0]).length + own.length - own.trimStart().length;
  const around = [...text.matchAll(WORD)].find(({ index, 0: word }) => index <= at && at < index + word.length);
  const word = around?.[0] ?? own.trim();
  if (!word || word.includes('\ufffd')) return {};
  return { word, occurrence: text.slice(0, around?.index ?? at).split(word).length };
}
