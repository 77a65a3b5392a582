// Asks Python what the page shows: only what is in sight, one batch of questions at a time, the newest state first; main thread.

import { message, say, watch } from '../page/notices.js';
import { isEnded, PartLost } from '../page/part.js';
import { attentionAgain, inspect, views } from '../page/questions.js';
import * as state from '../page/state.js';
import { batch, computed, signal, untracked } from '../vendor/signals-core.js';

/** @import {Lacking, Table, ViewName, ViewRequests, Views, WhyMissing} from '../shared/protocol.js' */
/** @import {RunState} from '../page/state.js' */
/** @import {ReadonlySignal} from '../vendor/signals-core.js' */

/** What must be computed before there is a whole answer. @typedef {WhyMissing | Lacking['missing'] | { position: number }} Missing */

/**
 * Something Python is asked about the current run.
 * @template {ViewName} Name
 * @typedef {{
 *   view: Name,
 *   needs: 'token' | 'text' | 'end' | 'pass',
 *   args: (run: RunState, token: number) => Views[Name]['args'] | null,
 *   seen: () => boolean,
 *   passAt?: (run: RunState, token: number, answer: Views[Name]['answer'] | null) => number | null,
 *   lacks?(answer: Views[Name]['answer']): Missing | null,
 *   fetch?(run: RunState, lacking: Missing): Promise<void>,
 *   table?: () => boolean
 * }} Question
 *   needs: asked again for another token, for every piece of text that is read, only when the run has ended, or after one
 *   position has been run again; args: null if there is nothing to ask; seen: whether the answer would be seen;
 *   passAt: the token whose position is run again (-1: the one before the first), null if that is not needed. After a pass
 *   the question is asked again, even if it was answered without; lacks: what must be computed by fetch (attention again,
 *   unless it says otherwise) before there is a whole answer; then, too, the question is asked again; table: whether its table is needed too
 */

/**
 * @typedef {{ run: number, token: number | null, answer: Views[ViewName]['answer'], table: Table | null }} Latest
 * @typedef {{ question: Question<any>, latest: import('../vendor/signals-core.js').Signal<Latest | null>, answered: string, passed: string }} Entry
 *   latest: the newest answer; answered: the request it answers; passed: the request that a position was run again for
 */

const PAUSE = 8; // while the model generates, Python rests this many times as long as the answers took
const SETTLED = 150; // ms without a change before a position is run again

/** @type {Entry[]} */
const entries = [];

/**
 * Keeps a question answered from now on.
 * @template {ViewName} Name
 * @param {Question<Name>} question
 * @returns {{ answer: ReadonlySignal<Views[Name]['answer'] | null>, fits: ReadonlySignal<boolean>,
 *             table: ReadonlySignal<Table | null>, csv: () => Promise<string> }}
 *   answer: of the current run and, after a pass, of the current token; else null. fits: whether it is of the current token
 *   too, if it depends on one; while the next token is asked about, the answer is still that of the last
 */
export function ask(question) {
  /** @type {Entry} */
  const entry = { question, latest: signal(null), answered: '', passed: '' };
  entries.push(entry);
  const current = computed(() => {
    const latest = entry.latest.value;
    const fits = latest && latest.run === state.run.value?.id && (question.needs !== 'pass' || latest.token === state.current.value);
    return fits ? latest : null;
  });
  return {
    answer: computed(() => {
      const stored = state.run.value?.stored;
      return /** @type {Views[Name]['answer'] | null} */ (stored ? (stored.answers[question.view] ?? null) : (current.value?.answer ?? null));
    }),
    fits: computed(() => Boolean(current.value) && (question.needs === 'text' || question.needs === 'end' || current.value?.token === state.current.value)),
    table: computed(() => current.value?.table ?? null),
    csv: () => csvOf(entry),
  };
}

/** What is asked now: the run, the token, the arguments and a key that is equal if the answer would be; null: nothing. @param {Entry} entry */
function requestOf({ question, latest }) {
  const run = state.run.value;
  const token = state.current.value;
  if (!run || run.stored || run.id === state.forgotten.value || !question.seen()) return null;
  const { needs } = question;
  if (needs !== 'end' && !run.count) return null;
  if (needs === 'end' && !run.done) return null;
  if ((needs === 'token' || needs === 'pass') && token === null) return null;
  const args = question.args(run, token ?? 0);
  if (!args) return null;
  const table = question.table?.() ?? false;
  const extent = needs === 'token' || needs === 'pass' ? `${token} ${run.done}` : `${run.count} ${run.done}`;
  const about = `${run.id} ${extent} ${JSON.stringify(args)} ${table} ${state.isReadByModel.value}`;
  const known = latest.peek();
  const answer = known && known.run === run.id && known.token === token ? known.answer : null;
  const passAt = run.done && state.isReadByModel.value && question.passAt ? question.passAt(run, token ?? 0, answer) : null;
  return { run, token, args, table, about, passAt };
}

let busy = false;
let changed = false; // whether something has changed since the last questions were asked
let wake = () => {}; // ends the rest between two answers
let timer = 0;
let turn = 0; // counts the changes; a pass that is overtaken by one is dropped
/** Attention that is computed again, one request after the other. @type {Promise<unknown>} */
let fetching = Promise.resolve();
/** One pass at a time: Python holds one position. @type {Promise<unknown>} */
let passes = Promise.resolve();

/** Starts answering. */
export function followQuestions() {
  watch('questions', () => {
    for (const entry of entries) requestOf(entry);
    turn++;
    if (!state.isRunning.value) wake();
    void refresh();
    settle();
  });
}

/** Asks for what needs a pass once nothing has changed for a moment. */
function settle() {
  clearTimeout(timer);
  timer = setTimeout(() => void runPasses(turn), SETTLED);
}

/** Answers every question that needs no pass, and again if something changes meanwhile. */
async function refresh() {
  changed = true;
  if (busy) return;
  busy = true;
  while (changed) {
    changed = false;
    const stale = entries.flatMap((entry) => {
      const request = entry.question.needs === 'pass' ? null : requestOf(entry);
      return request && request.about !== entry.answered ? [{ entry, request }] : [];
    });
    if (!stale.length) break;
    const before = performance.now();
    await answerAll(stale);
    const running = state.isRunning.value;
    const rest = new Promise((resolve) => (wake = () => resolve(undefined)));
    if (running) setTimeout(wake, Math.max(100, PAUSE * (performance.now() - before)));
    else setTimeout(wake);
    await rest;
    changed = true;
  }
  busy = false;
}

/** @typedef {{ entry: Entry, request: NonNullable<ReturnType<typeof requestOf>> }} Stale */

/** Asks about one run. Each answer is stored, and drawn, by itself: all of them at once would hold up the page. @param {Stale[]} stale */
async function answerAll(stale) {
  const { run } = stale[0].request;
  const answered = await Promise.all(stale.map(answerOne));
  stale.filter((_, i) => answered[i]).forEach(fetchLacking);
  if (run.done && stale.some(({ entry }) => entry.question.passAt)) settle(); // what was run again may just have been replaced
}

/** @param {Stale} stale @returns {Promise<boolean>} whether there is an answer */
async function answerOne({ entry, request }) {
  const { run, token, args, about } = request;
  const { view } = entry.question;
  /** @type {ViewRequests} */
  const requests = request.table ? { answer: { view, args }, table: { view: 'table', args: { view, args } } } : { answer: { view, args } };
  try {
    const { answer, table } = await views(run.id, requests);
    batch(() => {
      entry.answered = about;
      entry.passed = '';
      if ('error' in answer) return complain(run, answer.error);
      entry.latest.value = { run: run.id, token, answer, table: table && 'json' in table ? table.json : null };
    });
    return true;
  } catch (error) {
    entry.answered = about;
    complain(run, error);
    return false;
  }
}

/** Computes what an answer lacks and asks again, unless something else is asked by then. @param {Stale} stale */
function fetchLacking({ entry, request }) {
  const { lacks } = entry.question;
  const latest = entry.latest.peek();
  const lacking = latest && latest.run === request.run.id ? lacks?.(latest.answer) : null;
  if (!lacking || !state.isReadByModel.value) return;
  const isCurrent = () =>
    entry.answered === request.about && state.phase.peek() === 'ready' && untracked(() => requestOf(entry)?.about === request.about);
  /** Out of sight, for example: the answer still lacks something, so it is asked for again when it is next wanted. */
  const postpone = () => {
    if (entry.answered === request.about) entry.answered = '';
  };
  fetching = fetching.then(async () => {
    if (!isCurrent()) return postpone();
    const now = await views(request.run.id, { now: { view: entry.question.view, args: request.args } }); // another question may have brought it
    const still = 'error' in now.now ? null : lacks?.(/** @type {any} */ (now.now));
    if (still) await compute(entry.question, request.run, still);
    if (!isCurrent()) return postpone();
    entry.answered = '';
    void refresh();
  }).catch((error) => complain(request.run, error));
}

/** Computes what an answer to a question lacks. @param {Question<any>} question @param {RunState} run @param {Missing} lacking */
const compute = ({ fetch }, run, lacking) => (fetch ? fetch(run, lacking) : attentionAgain(run, /** @type {Lacking['missing']} */ (lacking)));

/** Says what went wrong, unless another run has come or the page says more already. @param {RunState} run @param {unknown} error */
function complain(run, error) {
  const ended = error instanceof PartLost || isEnded(error);
  const overtaken = state.run.value?.id !== run.id || state.phase.value !== 'ready';
  if (!ended && !overtaken) say(message(error), true);
}

/** Runs positions again for the questions that need it, one after the other. @param {number} mine the change that they are about */
async function runPasses(mine) {
  for (const entry of entries) {
    const request = requestOf(entry);
    const key = request && `${request.about} ${request.passAt}`;
    if (mine !== turn) return;
    if (!request || request.passAt === null || state.phase.value !== 'ready') continue;
    if (entry.passed === key) continue;
    try {
      await afterPass(request.passAt, request.run, () => (mine === turn ? answerAll([{ entry, request }]) : undefined));
      if (mine === turn) entry.passed = key ?? '';
    } catch (error) {
      complain(request.run, error);
    }
  }
}

/**
 * Runs a position again and does `work` while Python holds it.
 * @template T @param {number | null} at null: no position is needed @param {RunState} run @param {() => T} work @returns {Promise<T>}
 */
function afterPass(at, run, work) {
  const pass = passes.then(async () => {
    if (at !== null) await inspect(at, run);
    return work();
  });
  passes = pass.catch(() => {});
  return /** @type {Promise<any>} */ (pass);
}

/** The question's table as CSV, whether or not it is in sight. @param {Entry} entry @returns {Promise<string>} */
async function csvOf({ question }) {
  const run = state.run.value;
  const token = state.current.value ?? 0;
  const args = run && question.args(run, token);
  if (!run || !args) throw new Error('There is nothing to save yet.');
  const at = run.done && state.isReadByModel.value && question.passAt ? question.passAt(run, token, null) : null;
  while (question.lacks) {
    const { answer: asked } = await views(run.id, { answer: { view: question.view, args } });
    const lacking = 'error' in asked ? null : question.lacks(/** @type {any} */ (asked));
    if (!lacking) break;
    await compute(question, run, lacking);
  }
  const { csv } = await afterPass(at, run, () => views(run.id, { csv: { view: 'csv', args: { view: question.view, args } } }));
  if ('error' in csv) throw new Error(csv.error);
  return csv.json;
}
