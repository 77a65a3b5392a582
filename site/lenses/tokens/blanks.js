// Finds the blank to fill in, has its candidates ranked, and uses one; the ranking belongs to the text it was made for; main thread.

import { openText } from '../../page/edits.js';
import { message } from '../../page/notices.js';
import { fillIn } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { replace } from '../../page/token_edits.js';
import { textOf } from '../../shared/token_text.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {Ranked} from '../../shared/protocol.js' */

const MARK = /_{3,}/;
const SEEN = 40; // characters of the context that are shown
const LIKELY = 30; // single tokens that are ranked besides the words that were typed

/**
 * A blank: the selected tokens, else the first ___ in the box. A span keeps its token ids; a typed blank is text on both sides.
 * `source` names what it is a blank of: it is the same blank only while that is unchanged.
 * @typedef {{ source: string, left: string | number[], right: string | number[], written: number[] | null,
 *             before: string, after: string, inside: string, from: number, to: number }} Blank
 * @typedef {{ blank: Blank, done: number, all: number, ranked: Ranked[] | null, error: string | null }} Ranking
 *   `ranked` is null while candidates are being scored
 */

/** What was typed as candidates, separated by commas. */
export const words = signal('');

const newest = signal(/** @type {Ranking | null} */ (null));

/** The end of a text, with … if something before it is left out. @param {string} text @param {boolean} [more] whether there is more before it */
const ending = (text, more = false) => `${more || text.length > SEEN ? '…' : ''}${text.slice(-SEEN)}`;

/** The beginning of a text, with … if something after it is left out. @param {string} text @param {boolean} [more] whether there is more after it */
const beginning = (text, more = false) => `${text.slice(0, SEEN)}${more || text.length > SEEN ? '…' : ''}`;

/** @type {import('../../vendor/signals-core.js').ReadonlySignal<Blank | null>} */
export const blank = computed(() => {
  const run = state.run.value;
  const span = state.span.value;
  const model = state.model.value?.manifest.sha256 ?? '';
  if (run && span && state.isRead.value && !run.stored && run.conditions.model === model && span.to <= run.tokens.ids.length) {
    const { ids, total } = run.tokens;
    const { from, to } = span;
    const whole = (/** @type {number} */ start, /** @type {number} */ end) => textOf(run.tokens, Math.max(0, start), end).replace(/^\ufffd+|\ufffd+$/g, '');
    return {
      source: `${run.id} ${from} ${to}`,
      left: ids.slice(0, from), right: ids.slice(to), written: ids.slice(from, to),
      before: ending(whole(from - 12, from), from > 12), after: beginning(whole(to, to + 12), to + 12 < total), inside: textOf(run.tokens, from, to),
      from, to,
    };
  }
  const text = state.text.value;
  const found = MARK.exec(text);
  if (!found) return null;
  const [from, to] = [found.index, found.index + found[0].length];
  const [left, right] = [text.slice(0, from), text.slice(to)];
  return {
    source: `${model} ${text}`, left, right, written: null,
    before: ending(left), after: beginning(right), inside: '___',
    from, to,
  };
});

/** The ranking of the blank there is now; that of another text, span or model is not shown. */
export const ranking = computed(() => (newest.value && newest.value.blank.source === blank.value?.source ? newest.value : null));

/** Ranks candidates for the blank; the newest request wins. */
export async function rank() {
  const asked = blank.value;
  if (!asked) return;
  let current = /** @type {Ranking} */ ({ blank: asked, done: 0, all: 0, ranked: null, error: null });
  newest.value = current;
  const show = (/** @type {Partial<Ranking>} */ change) => {
    if (newest.value === current) newest.value = current = { ...current, ...change };
  };
  const typed = words.value.split(/[,\n]/).map((word) => word.trim()).filter(Boolean).slice(0, 100);
  // Words take the place of a span as it was written: with the space in front if it had one.
  const spaced = asked.written && asked.inside.startsWith(' ');
  try {
    const candidates = asked.written ? [asked.written] : [];
    const request = { left: asked.left, right: asked.right, words: spaced ? typed.map((word) => ` ${word}`) : typed, candidates, count: LIKELY };
    show({ ranked: await fillIn(request, (done, all) => show({ done, all })) });
  } catch (error) {
    show({ ranked: [], error: message(error) });
  }
}

/** Puts a candidate into the blank. @param {Blank} into @param {Ranked} candidate */
export function use(into, candidate) {
  if (into.source !== blank.value?.source) return;
  if (typeof into.left === 'string' && typeof into.right === 'string') {
    const left = into.left.endsWith(' ') && candidate.text.startsWith(' ') ? into.left.slice(0, -1) : into.left;
    openText(left + candidate.text + into.right);
  } else void replace(into.from, into.to, candidate.ids);
}

/** Whether a candidate is what the text says already. @param {Blank} into @param {Ranked} candidate */
export const isWritten = (into, candidate) => into.written?.join() === candidate.ids.join();
