// The open lesson: its text, controls and steps, each done once what it waits for has happened; it is data, and runs nothing; main thread.

import { direction, scope, sinkHidden } from '../lenses/attention/choice.js';
import { byId } from '../frame/mount.js';
import { addressOfLesson } from '../page/address.js';
import { select, set, setLens } from '../page/choices.js';
import { setColouring } from '../page/colouring.js';
import { keepInTab, keptInTab } from '../page/draft.js';
import { openText, put } from '../page/edits.js';
import { isChanged, setFromLink, setInterventions } from '../page/interventions.js';
import { LESSON_BEFORE } from '../page/keys.js';
import { loadLinked } from '../page/models.js';
import { say, watch } from '../page/notices.js';
import { isSetting } from '../page/preferences.js';
import * as state from '../page/state.js';
import { pinOnceRead } from '../page/token_to_pin.js';
import { checkedInterventions } from '../shared/interventions.js';
import { batch, signal, untracked } from '../vendor/signals-core.js';
import { isMet } from './conditions.js';
import { known, showControls } from './controls.js';
import { lessons, loadLessons } from './list.js';
import { checkedLesson, textAt } from './schema.js';
import { seen } from './seen.js';

/** @import {Lesson} from './schema.js' */
/**
 * Where a lesson is opened. `step`: from 0; `lens`, `token`: those in its address; `again`: after a reload, so that the text stays.
 * @typedef {{ step?: number, lens?: string | null, token?: number | null, again?: boolean }} Place
 */

const COLOURINGS = ['hue', 'cividis']; // a lesson begins with the first, unless the reader has chosen the other for their eyes

const SCOPES = ['all', 'layer', 'head', 'picked']; // what the attention lens shades the text by, and which way
const DIRECTIONS = ['to', 'from'];

let openings = 0; // counts lessons that were asked for or left: one that arrives after another was, is not opened

/** What leaving a lesson brings back; null while none is open. */
const before = signal(/** @type {ReturnType<typeof chosen> | null} */ (null));

/** What the reader had chosen. */
const chosen = () => ({
  lens: state.lens.value, colouring: state.settings.value.colouring, words: state.settings.value.words, units: state.settings.value.units, interventions: state.interventions.value,
  scope: scope.value, direction: direction.value, sinkHidden: sinkHidden.value,
});

/**
 * Opens a lesson; the text in the box stays a version.
 * @param {unknown} json as JSON.parse gives it; an error says what is wrong with it, and nothing has changed
 * @param {{ address?: string | null } & Place} [how] address: its id, if it is one of the page's
 */
export function openLesson(json, { address, step = 0, lens = null, token = null, again = false } = {}) {
  const lesson = checkedLesson(json, known());
  openings++;
  const at = Math.min(step, lesson.steps.length - 1);
  before.value ??= (again ? keptChoice() : null) ?? chosen();
  useModel(lesson);
  batch(() => {
    if (!again) beginAt(lesson, at);
    showControls({ ...lesson, lens: ((step || again) && lens) || (lesson.lens ?? state.lens.value) });
    const [done, texts] = [lesson.steps.map((_, i) => i < at), lesson.steps.map((_, i) => textAt(lesson, i))];
    const now = seen();
    const start = now.read && !again ? { ...now, readBefore: now.run } : now; // that it was read before does not count
    state.lesson.value = { lesson, step: at, done, texts, start, address: address ?? addressOfLesson(lesson) };
  });
  if (token !== null) pinOnceRead(token, state.text.value);
  focusTitle();
}

/** Begins at a step: with its text and, at the first, as every reader does. @param {Lesson} lesson @param {number} step */
function beginAt(lesson, step) {
  if (!step) begin();
  const text = textAt(lesson, step);
  if (text !== state.text.value) (step ? openText : put)(text);
  if (!step) select({ hovered: null, pinned: null, span: null });
}

/** What the reader had chosen before a lesson that was open when this tab was reloaded; null if it was not kept, or is damaged. */
function keptChoice() {
  const { lens, colouring, words, units, interventions, ...shading } = /** @type {ReturnType<typeof chosen>} */ (keptInTab(LESSON_BEFORE) ?? {});
  const isWhole = known().lenses.includes(lens) && isSetting('colouring', colouring) && isSetting('words', words) && isSetting('units', units)
    && SCOPES.includes(shading.scope) && DIRECTIONS.includes(shading.direction) && typeof shading.sinkHidden === 'boolean';
  try {
    return isWhole ? { lens, colouring, words, units, interventions: checkedInterventions(interventions), ...shading } : null;
  } catch {
    return null;
  }
}

/** Keeps it for a reload. */
export const keepChoice = () => keepInTab(LESSON_BEFORE, () => before.value);

/** The beginning of a lesson is the same for every reader: the model unchanged, tokens coloured by their likelihood, bits. */
function begin() {
  if (isChanged()) setFromLink(null);
  [scope.value, direction.value, sinkHidden.value] = ['all', 'to', false];
  set('units', 'bits'); // the words of lessons are about bits
  const { colouring, words } = state.settings.value;
  if (words || !COLOURINGS.includes(colouring)) colour(COLOURINGS.includes(colouring) ? colouring : COLOURINGS[0], false);
}

/** @param {string} id @param {boolean} words */
const colour = (id, words) => void setColouring(id, words).catch(() => {}); // a newer run took its place

/** Loads the model that a lesson is about, if this site has it. @param {Lesson} lesson */
function useModel({ model }) {
  const own = state.model.value?.manifest;
  if (!model || !own || model === own.id) return;
  if (state.models.value.some(({ id }) => id === model)) void loadLinked(model);
  else say(`This lesson was written for the model “${model}”, which is not here. It goes on with ${own.name}.`);
}

/** Opens one of the page's lessons. @param {string} id @param {Place} [place] */
export async function openShipped(id, place = {}) {
  const mine = ++openings;
  await loadLessons();
  const entry = lessons.value.find((each) => each.id === id);
  if (!entry) throw new RangeError(`There is no lesson “${id.slice(0, 60)}” here.`);
  const response = await fetch(new URL(`${entry.id}.json`, import.meta.url)).catch(() => null);
  if (!response?.ok) throw new Error(`The lesson “${entry.title}” could not be loaded. Check the connection, then try again.`);
  const lesson = await response.json();
  if (mine === openings) openLesson(lesson, { address: entry.id, ...place });
}

/** Opens the lesson that an address holds: an id, or all of it. @param {string} address @param {Place} place */
export async function openLinked(address, place) {
  if (!address.trimStart().startsWith('{')) return openShipped(address, place);
  let json;
  try {
    json = JSON.parse(address);
  } catch {
    throw new SyntaxError('The lesson in this link is not valid JSON. The link may have been cut off.');
  }
  openLesson(json, place);
}

/** Marks a step as done once what it waits for has happened, whatever follows; notes interventions, which a step may wait to see removed. */
export const followLesson = () =>
  watch('lesson', () => {
    const open = state.lesson.value;
    if (!open) return;
    const now = seen();
    if (now.changed && !open.start.changed) state.lesson.value = { ...open, start: { ...open.start, changed: true } };
    else if (!open.done[open.step] && isMet(open.lesson.steps[open.step], now, open.start)) untracked(markDone);
  });

/** Marks the step as done. */
export function markDone() {
  const open = state.lesson.value;
  if (open) state.lesson.value = { ...open, done: open.done.map((was, i) => was || i === open.step) };
}

/** Goes to another step. @param {number} by */
export function move(by) {
  const open = state.lesson.value;
  if (!open) return;
  const step = Math.max(0, Math.min(open.lesson.steps.length - 1, open.step + by));
  const [now, { start }] = [seen(), open];
  const changed = now.changed || (start.changed && open.lesson.steps[open.step].waits.for !== 'unchanged'); // removed before this step asked for it
  state.lesson.value = { ...open, step, start: { ...now, readBefore: start.readBefore, changed } };
  focusTitle();
}

/** Puts the text of the step into the box. */
export function putText() {
  const open = state.lesson.value;
  if (open) (open.step ? openText : put)(open.texts[open.step]);
}

/** Closes the lesson and brings back everything it hid or changed; its text stays in the box, and undo leads to the one before. */
export function leave() {
  openings++;
  if (!state.lesson.value) return;
  const was = before.value;
  before.value = null;
  batch(() => {
    state.lesson.value = null;
    showControls();
    if (!was) return;
    setLens(was.lens);
    set('units', was.units);
    [scope.value, direction.value, sinkHidden.value] = [was.scope, was.direction, was.sinkHidden];
    const { colouring, words } = state.settings.value;
    if (colouring !== was.colouring || words !== was.words) colour(was.colouring, was.words);
  });
  if (was && JSON.stringify(was.interventions) !== JSON.stringify(state.interventions.value)) setInterventions(was.interventions);
  byId('example').focus();
}

/** Keys and screen readers go on where the step begins. */
const focusTitle = () => byId('lesson').querySelector('h2')?.focus({ preventScroll: true });
