// A lesson as a file or link holds it, tokenlight.lesson/1: checked field by field; what is wrong is one sentence; pure, main thread.

import { count } from '../frame/format.js';
import { inWords } from '../shared/options.js';
import { CONDITIONS, HEADS } from './conditions.js';

/**
 * What a step waits for: `for` names a condition (conditions.js), the others are what it needs. `word` with its `occurrence` in the
 * text, from 1, and the `part` of its tokens, from 1; `head` is “layer.head”, or the kind of head of which the model's strongest is meant.
 * @typedef {{ for: string, word?: string, occurrence?: number, part?: number, lens?: string, colouring?: string, head?: string }} Waits
 * `do`: what to do; `see`: what to notice, and why, shown once it is done; `text`: a text that the step offers to put into the box.
 * @typedef {{ do: string, see?: string, text?: string, waits: Waits }} Step
 * `lenses` and `panels` are those that are shown, all without them; a lens of which no panel is listed shows all of its own.
 * @typedef {{ schema: typeof SCHEMA, title: string, text: string, model?: string, lens?: string, lenses?: string[], panels?: string[], steps: Step[] }} Lesson
 */

export const SCHEMA = 'tokenlight.lesson/1';
export const MOST = { title: 120, words: 2000, text: 20_000, name: 200, steps: 30, list: 60 };

/** A field of a lesson that must be a text is none, or an empty one. */
export class NoText extends TypeError {
  /** @param {string} name of the field @param {number | null} step from 1; null: of the lesson itself */
  constructor(name, step) {
    super(`The lesson's ${step === null ? name : `${name} of step ${step}`} must be a text.`);
    this.field = name;
    this.step = step;
  }
}

/** The lenses and panels of the page, by id. @typedef {{ lenses: string[], panels: string[] }} Known */

/**
 * @param {unknown} given a lesson as JSON.parse gives it @param {Known} known
 * @returns {Lesson} a copy of what is known of it; an error says what is wrong, and where
 */
export function checkedLesson(given, known) {
  const lesson = objectOf(given, 'The lesson', ['schema', 'title', 'text', 'steps'], ['model', 'lens', 'lenses', 'panels']);
  if (lesson.schema !== SCHEMA) throw new TypeError(`The lesson's schema is ${shown(lesson.schema)}: this page reads ${SCHEMA}.`);
  const [title, text] = [textOf(lesson.title, 'title', MOST.title), textOf(lesson.text, 'text', MOST.text)];
  const steps = listOf(lesson.steps, 'steps', MOST.steps).map((step, i) => stepOf(step, i + 1, known));
  if (!steps.length) throw new TypeError('The lesson has no steps.');
  const lenses = lesson.lenses === undefined ? undefined : idsOf(lesson.lenses, 'lenses', 'lens', known.lenses);
  const lens = lesson.lens === undefined ? undefined : idOf(lesson.lens, 'lens', lenses ?? known.lenses);
  for (const [i, { waits }] of steps.entries()) {
    if (waits.lens && lenses && !lenses.includes(waits.lens)) throw new RangeError(`The lesson's step ${i + 1} waits for the lens “${waits.lens}”, which the lesson does not show.`);
  }
  return without({
    schema: SCHEMA,
    title,
    text,
    model: lesson.model === undefined ? undefined : textOf(lesson.model, 'model', MOST.name),
    lens,
    lenses,
    panels: lesson.panels === undefined ? undefined : idsOf(lesson.panels, 'panels', 'panel', known.panels),
    steps,
  });
}

/** @param {unknown} given @param {number} number of the step, from 1 @param {Known} known @returns {Step} */
function stepOf(given, number, known) {
  const step = objectOf(given, `The lesson's step ${number}`, ['do', 'waits'], ['see', 'text']);
  return without({
    do: textOf(step.do, 'do', MOST.words, number),
    see: step.see === undefined ? undefined : textOf(step.see, 'see', MOST.words, number),
    text: step.text === undefined ? undefined : textOf(step.text, 'text', MOST.text, number),
    waits: waitsOf(step.waits, number, known),
  });
}

/** @param {unknown} given @param {number} number of the step @param {Known} known @returns {Waits} */
function waitsOf(given, number, known) {
  const where = `step ${number}`;
  const { for: name } = objectOf(given, `The lesson's ${where}, waits,`, ['for']);
  if (typeof name !== 'string' || !Object.hasOwn(CONDITIONS, name)) throw new RangeError(`The lesson's ${where} waits for ${shown(name)}. It can wait for ${Object.keys(CONDITIONS).join(', ')}.`);
  const { fields } = CONDITIONS[name];
  const needed = fields.filter((field) => !field.endsWith('?'));
  const waits = objectOf(given, `The lesson's ${where}, waits,`, ['for', ...needed], fields.map((field) => field.replace('?', '')));
  /** @type {Waits} */
  const found = { for: name };
  if (waits.word !== undefined) found.word = textOf(waits.word, 'word', MOST.name, number);
  if (waits.occurrence !== undefined) found.occurrence = placeOf(waits.occurrence, `occurrence of ${where}`);
  if (waits.part !== undefined) found.part = placeOf(waits.part, `part of ${where}`);
  if (waits.lens !== undefined) found.lens = idOf(waits.lens, `lens of ${where}`, known.lenses);
  if (waits.colouring !== undefined) found.colouring = textOf(waits.colouring, 'colouring', MOST.name, number);
  if (waits.head !== undefined) found.head = headOf(waits.head, where);
  return found;
}

/** @param {unknown} value @param {string} where */
function headOf(value, where) {
  if (typeof value === 'string' && (/^\d{1,4}\.\d{1,4}$/.test(value) || Object.hasOwn(HEADS, value))) return value;
  throw new RangeError(`The lesson's head of ${where} is ${shown(value)}: it must be layer.head, such as 5.1, or one of ${Object.keys(HEADS).join(', ')}.`);
}

/** @param {unknown} given @param {string} what @param {string[]} needed @param {string[]} [others] that it may have; unchecked if there are none @returns {Record<string, unknown>} */
function objectOf(given, what, needed, others) {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) throw new TypeError(`${what} must be an object.`);
  const missing = needed.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) throw new TypeError(`${what} has no “${missing}”.`);
  const unknown = others && Object.keys(given).find((name) => !needed.includes(name) && !others.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} has ${shown(unknown)}, which this page does not know.`);
  return /** @type {Record<string, unknown>} */ (given);
}

/** @param {unknown} value @param {string} name @param {number} most characters @param {number | null} [step] null: a field of the lesson itself */
function textOf(value, name, most, step = null) {
  if (typeof value !== 'string' || !value.trim()) throw new NoText(name, step);
  const where = step === null ? name : `${name} of step ${step}`;
  if (value.length > most) throw new RangeError(`The lesson's ${where} has ${count(value.length)} characters: at most ${count(most)} are possible.`);
  return value;
}

/** @param {unknown} value @param {string} where @param {number} most entries @returns {unknown[]} */
function listOf(value, where, most) {
  if (!Array.isArray(value)) throw new TypeError(`The lesson's ${where} must be a list.`);
  if (value.length > most) throw new RangeError(`The lesson's ${where} has ${count(value.length)} entries: at most ${count(most)} are possible.`);
  return value;
}

/** @param {unknown} value @param {string} where @param {string} what @param {string[]} known */
function idsOf(value, where, what, known) {
  const ids = listOf(value, where, MOST.list).map((id) => idOf(id, what, known));
  if (!ids.length) throw new TypeError(`The lesson's ${where} must name at least one ${what}.`);
  return known.filter((id) => ids.includes(id)); // in the page's order
}

/** @param {unknown} value @param {string} where @param {string[]} known @returns {string} */
function idOf(value, where, known) {
  if (typeof value === 'string' && known.includes(value)) return value;
  throw new RangeError(`The lesson's ${where} is ${shown(value)}: it must be one of ${known.join(', ')}.`);
}

/** @param {unknown} value @param {string} where */
function placeOf(value, where) {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST.text) return Number(value);
  throw new RangeError(`The lesson's ${where} must be a whole number from 1.`);
}

/** A value in a sentence. @param {unknown} value */
const shown = (value) => `“${inWords(value)}”`;

/** A copy without the fields that are undefined. @template {object} T @param {T} fields @returns {any} */
const without = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The text that should be in the box at a step. @param {Lesson} lesson @param {number} step from 0 */
export const textAt = ({ text, steps }, step) => steps.slice(0, step + 1).reduce((last, each) => each.text ?? last, text);
