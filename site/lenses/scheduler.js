// Asks Python for what is in sight, whatever asks: one question at a time, the newest state wins, answers belong to their run; main thread.

import { message, say, watch } from '../page/notices.js';
import { PartLost } from '../page/part.js';
import { attentionAgain, inspect, views } from '../page/runs.js';
import * as state from '../page/state.js';
import { batch, computed, signal, untracked } from '../vendor/signals-core.js';

/** @import {Table, ViewName, ViewRequests, Views} from '../shared/protocol.js' */
/** @import {RunState} from '../page/state.js' */
/** @import {ReadonlySignal} from '../vendor/signals-core.js' */

/**
 * Something Python is asked about the current run.
 * @template {ViewName} Name
 * @typedef {{
 *   view: Name,
 *   needs: 'token' | 'text' | 'end' | 'pass',
 *   args: (run: RunState, token: number) => Views[Name]['args'] | null,
 *   seen: () => boolean,
 *   passAt?: (run: RunState, token: number, answer: Views[Name]['answer'] | null) => number | null,
 *   lacks?: (answer: Views[Name]['answer']) => number[] | 'survey' | null,
 *   table?: () => boolean
 * }} Question
 *   needs: asked again for another token, for every piece of text that is read, only when the run has ended, or after one
 *   position has been run again; args: null where there is nothing to ask; seen: whether anybody would see the answer;
 *   passAt: the token whose position is run again (-1: the one before the first), null if that is not needed. After a pass
 *   the question is asked again, also where it was answered without; lacks: attention that must be computed again before there
 *   is an answer, after which the question is asked again; table: whether its table is wanted too
 */

/**
 * @typedef {{ run: number, token: number | null, answer: any, table: Table | null }} Found
 * @typedef {{ question: Question<any>, found: import('../vendor/signals-core.js').Signal<Found | null>, answered: string, passed: string }} Entry
 */

const PAUSE = 8; // while the model generates, Python rests this many times as long as the answers took
const SETTLED = 150; // ms without a change before a position is run again

/** @type {Entry[]} */
const entries = [];

/**
 * Keeps a question answered from now on.
 * @template {ViewName} Name
 * @param {Question<Name>} question
 * @returns {{ answer: ReadonlySignal<Views[Name]['answer'] | null>, fits: ReadonlySignal<boolean>, table: ReadonlySignal<Table | null>, csv: () => Promise<string> }}
 *   answer: of the current run and, after a pass, of the current token; else null. fits: whether it is of the current token
 *   too, if it depends on one; while the next token is asked about, the answer is still that of the last
 */
export function ask(question) {
  /** @type {Entry} */
  const entry = { question, found: signal(null), answered: '', passed: '' };
  entries.push(entry);
  const current = computed(() => {
    const found = entry.found.value;
    const fits = found && found.run === state.run.value?.id && (question.needs !== 'pass' || found.token === state.current.value);
    return fits ? found : null;
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

/** What is asked now: the run, the token, the arguments and a key that is equal where the answer would be. @param {Entry} entry */
function wish({ question, found }) {
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
  const about = `${run.id} ${extent} ${JSON.stringify(args)} ${table}`;
  const known = found.peek();
  const answer = known && known.run === run.id && known.token === token ? known.answer : null;
  const passAt = run.done && question.passAt ? question.passAt(run, token ?? 0, answer) : null;
  return { run, token, args, table, about, passAt };
}

let busy = false;
let again = false;
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
    for (const entry of entries) wish(entry);
    turn++;
    if (state.phase.value !== 'running') wake();
    void refresh();
    settle();
  });
}

/** Asks for what needs a pass once nothing has changed for a moment. */
function settle() {
  clearTimeout(timer);
  timer = setTimeout(() => void runPasses(turn), SETTLED);
}

/** Answers every question that needs no pass, and what changes meanwhile after that. */
async function refresh() {
  again = true;
  if (busy) return;
  busy = true;
  while (again) {
    again = false;
    const stale = entries.flatMap((entry) => {
      const wanted = entry.question.needs === 'pass' ? null : wish(entry);
      return wanted && wanted.about !== entry.answered ? [{ entry, wanted }] : [];
    });
    if (!stale.length) break;
    const before = performance.now();
    await answer(stale);
    const generating = state.phase.value === 'running';
    const rest = new Promise((resolve) => (wake = () => resolve(undefined)));
    if (generating) setTimeout(wake, Math.max(100, PAUSE * (performance.now() - before)));
    else setTimeout(wake);
    await rest;
    again = true;
  }
  busy = false;
}

/** @typedef {{ entry: Entry, wanted: NonNullable<ReturnType<typeof wish>> }} Stale */

/** Asks about one run and takes in what belongs to it still. @param {Stale[]} stale */
async function answer(stale) {
  const { run } = stale[0].wanted;
  /** @type {ViewRequests} */
  const requests = {};
  stale.forEach(({ entry: { question }, wanted: { args, table } }, i) => {
    requests[`${i}`] = { view: question.view, args };
    if (table) requests[`${i} table`] = { view: 'table', args: { view: question.view, args } };
  });
  try {
    const answers = await views(run.id, requests);
    batch(() => {
      stale.forEach(({ entry, wanted }, i) => {
        entry.answered = wanted.about;
        entry.passed = '';
        const mine = answers[`${i}`];
        const table = answers[`${i} table`];
        if ('error' in mine) return complain(run, mine.error);
        entry.found.value = { run: run.id, token: wanted.token, answer: mine, table: table && 'json' in table ? table.json : null };
      });
    });
    for (const each of stale) complete(each);
    if (run.done && stale.some(({ entry }) => entry.question.passAt)) settle(); // what was run again may just have been replaced
  } catch (error) {
    for (const { entry, wanted } of stale) entry.answered = wanted.about;
    complain(run, error);
  }
}

/** Computes attention again if an answer lacks it, unless something else is asked by then, and asks again. @param {Stale} stale */
function complete({ entry, wanted }) {
  const { lacks } = entry.question;
  const found = entry.found.peek();
  const lacking = found && found.run === wanted.run.id ? lacks?.(found.answer) : null;
  if (!lacking) return;
  const isWanted = () => entry.answered === wanted.about && state.phase.peek() === 'ready' && untracked(() => wish(entry)?.about === wanted.about);
  fetching = fetching.then(async () => {
    if (!isWanted()) return;
    const now = await views(wanted.run.id, { now: { view: entry.question.view, args: wanted.args } }); // another question may have brought it
    if (!('error' in now.now) && lacks?.(/** @type {any} */ (now.now))) await attentionAgain(wanted.run, lacking);
    if (!isWanted()) return;
    entry.answered = '';
    void refresh();
  }).catch((error) => complain(wanted.run, error));
}

/** Says what went wrong, unless another run has come or the page says more already. @param {RunState} run @param {unknown} error */
function complain(run, error) {
  const overtaken = error instanceof PartLost || /** @type {any} */ (error)?.name === 'Ended' || state.run.value?.id !== run.id || state.phase.value !== 'ready';
  if (!overtaken) say(message(error), true);
}

/** Runs positions again for the questions that need it, one after the other. @param {number} mine the change that they are about */
async function runPasses(mine) {
  for (const entry of entries) {
    const wanted = wish(entry);
    const key = wanted && `${wanted.about} ${wanted.passAt}`;
    if (mine !== turn) return;
    if (!wanted || wanted.passAt === null || state.phase.value !== 'ready') continue;
    if (entry.passed === key) continue;
    try {
      await passing(wanted.passAt, wanted.run, () => (mine === turn ? answer([{ entry, wanted }]) : undefined));
      if (mine === turn) entry.passed = key ?? '';
    } catch (error) {
      complain(wanted.run, error);
    }
  }
}

/** Runs a position again and does `work` while Python holds it. @template T @param {number | null} at @param {RunState} run @param {() => T} work @returns {Promise<T>} */
function passing(at, run, work) {
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
  const at = run.done && question.passAt ? question.passAt(run, token, null) : null;
  if (question.lacks) {
    const { answer: asked } = await views(run.id, { answer: { view: question.view, args } });
    const lacking = 'error' in asked ? null : question.lacks(/** @type {any} */ (asked));
    if (lacking) await attentionAgain(run, lacking);
  }
  const { csv } = await passing(at, run, () => views(run.id, { csv: { view: 'csv', args: { view: question.view, args } } }));
  if ('error' in csv) throw new Error(csv.error);
  return csv.json;
}
