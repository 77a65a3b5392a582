// What a patch is asked: what is copied and where, towards which token, how the texts are aligned, and whether it is computed; main thread.

import * as state from '../../page/state.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {Align, Alignment, Views} from '../../shared/protocol.js' */

const runId = computed(() => state.run.value?.id ?? null);

/** What is copied: the residual stream, one head at the chosen token, or one head at every token. */
export const COPIED = { residual: 'the residual stream', token: 'one head, at the chosen token', text: 'one head, at every token' };
export const copied = signal(/** @type {keyof typeof COPIED} */ ('residual'));

/** The chosen tokens, of one run; with none, Python chooses. @typedef {{ run: number | null, target: number | null, versus: number | null }} Asked */
const asked = signal(/** @type {Asked} */ ({ run: null, target: null, versus: null }));
const chosen = () => (asked.value.run === runId.value ? asked.value : { target: null, versus: null });
/** @param {Omit<Asked, 'run'>} tokens */
export const askTowards = (tokens) => void (asked.value = { ...tokens, run: runId.value });

/** What is being computed: of which run, and what is copied. */
const sweeping = signal(/** @type {{ run: number | null, copied: string } | null} */ (null));
export const isSweeping = () => sweeping.value !== null && sweeping.value.run === runId.value && sweeping.value.copied === copied.value;
export const setSweeping = (/** @type {boolean} */ on) => void (sweeping.value = on ? { run: runId.value, copied: copied.value } : null);

/** How texts are aligned; '': not yet or, with equal lengths, position by position. */
const align = signal('');
/** The pairs [token of A, token of this text] that were made by hand, of two texts. */
const byHand = signal({ about: '', pairs: /** @type {[number, number][]} */ ([]) });
const texts = computed(() => `${state.pinnedReading.value?.runId} ${state.run.value?.tokens.ids.join()}`);

/** How these texts are aligned. @returns {string} */
export const alignment = () => (align.value === 'hand' && byHand.value.about !== texts.value ? '' : align.value);

/** Chooses how they are aligned; by hand begins with the pairs that there are. @param {string} value @param {Alignment} now */
export function setAlignment(value, now) {
  align.value = value;
  if (value === 'hand') alignByHand(pairsOf(now));
}

/** What is shown: pairs made by hand at once, others as Python has answered. @param {Alignment} answered @returns {Alignment} */
export function shownAlignment(answered) {
  if (alignment() !== 'hand') return answered;
  const origins = new Map(byHand.value.pairs.map(([a, b]) => [b, a]));
  return { ...answered, origin: answered.b.map((_, b) => origins.get(b) ?? null) };
}

/** @param {Alignment} now @returns {[number, number][]} */
const pairsOf = ({ origin }) => origin.flatMap((a, b) => (a === null ? [] : [/** @type {[number, number]} */ ([a, b])]));

/** What was computed is of other pairs, so it is not computed on. @param {[number, number][]} pairs */
export function alignByHand(pairs) {
  byHand.value = { about: texts.value, pairs };
  align.value = 'hand';
  sweeping.value = null;
}

/** Pairs two tokens, or parts them if they are a pair; either may have been in another. @param {Alignment} now as shown @param {number} a @param {number} b */
export function pairTokens(now, a, b) {
  const others = pairsOf(now).filter(([one, other]) => one !== a && other !== b);
  alignByHand(now.origin[b] === a ? others : [...others, [a, b]]);
}

/** The view's arguments. @param {number} token @returns {Views['patch']['args']} */
export const patchArgs = (token) => ({
  target: chosen().target, versus: chosen().versus, sweep: isSweeping(),
  align: /** @type {Align} */ (alignment() === 'hand' ? byHand.value.pairs : alignment() || null),
  heads: copied.value !== 'residual', token: copied.value === 'token' ? token : null,
});
