// A lesson that is being written: begun from the page as it is, or from the open lesson; kept as the page's text is; main thread.

import { byId } from '../frame/mount.js';
import { keepInTab, keptInTab } from '../page/draft.js';
import { LESSON } from '../page/keys.js';
import { say } from '../page/notices.js';
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

/** What the draft was when it was begun or last saved, as JSON: what differs from it would be lost. */
const saved = signal('');

/** Notes that the draft is safe: just begun, or in a file. */
export const markSaved = () => void (saved.value = JSON.stringify(draft.value));

/** Goes on with the lesson that is unfinished, changes the one that is open, or begins one. */
export function startWriting() {
  const open = state.lesson.value?.lesson;
  const unfinished = draft.value !== null && JSON.stringify(draft.value) !== saved.value;
  if (!unfinished) {
    if (open) draft.value = draftOf(open);
    else draft.value ??= { title: '', text: state.text.value, model: null, lens: state.lens.value, ...known(), steps: [firstStep()] };
    markSaved();
  }
  if (open) leave();
  if (open && unfinished && draft.value?.title !== open.title) say(`This is your unfinished lesson. To change “${open.title}”, save or discard it, then open “${open.title}” again.`);
  [fault.value, isWriting.value] = ['', true];
  byId('writer-title').focus();
}

/** Forgets the lesson that is being written. */
export function discard() {
  [draft.value, isWriting.value, fault.value] = [null, false, ''];
  byId('settings-button').focus();
}

/** Keeps the draft for a reload, and brings back the one that was kept. */
export function keepWriting() {
  const kept = /** @type {{ draft?: unknown, saved?: unknown, isWriting?: unknown } | null} */ (keptInTab(LESSON));
  const found = draftIn(kept?.draft);
  if (found && !draft.value) [draft.value, saved.value, isWriting.value] = [found, String(kept?.saved), kept?.isWriting === true];
  keepInTab(LESSON, () => ({ draft: draft.value, saved: saved.value, isWriting: isWriting.value }));
}

/** A draft as it was stored; null if it is none. @param {unknown} stored @returns {Draft | null} */
function draftIn(stored) {
  const all = known();
  const { title, text, model = null, lens, lenses, panels, steps } = /** @type {Partial<Draft>} */ (stored ?? {});
  const isStep = (/** @type {Partial<DraftStep> | null} */ step) => typeof step?.do === 'string' && typeof step.see === 'string'
    && (step.text === null || typeof step.text === 'string') && Object.hasOwn(CONDITIONS, step.waits?.for ?? '');
  if (typeof title !== 'string' || typeof text !== 'string' || typeof lens !== 'string' || !all.lenses.includes(lens)) return null;
  if (!Array.isArray(lenses) || !Array.isArray(panels) || !Array.isArray(steps) || !steps.every(isStep)) return null;
  return { title, text, model, lens, lenses: all.lenses.filter((id) => lenses.includes(id)), panels: all.panels.filter((id) => panels.includes(id)), steps };
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
