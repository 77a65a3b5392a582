// Writing on, continuing, branching and stepping: what the activations view does; main thread.

import * as page from '../../actions.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { branch, branches, count, current, options, prompt } from './state.js';

/** @import {GenerateOptions} from '../../protocol.js' */
/** @import {Branch} from './state.js' */

let expected = /** @type {number | null} */ (null); // the branch whose run is about to begin
let begun = /** @type {number | null} */ (null); // the newest run that has been seen
let started = 0;
let before = 0; // tokens of the run that were there before it wrote any
/** Milliseconds from the start to each token of the present run. @type {number[]} */
export let arrivals = [];

/** Ties runs to branches and notes when tokens come. */
export function followRuns() {
  effect(() => {
    const run = state.run.value;
    if (!run) return;
    if (run.runId !== begun) {
      begun = run.runId;
      before = run.tokens.ids.length;
      arrivals = [];
      started = performance.now();
      const mine = expected;
      expected = null;
      if (mine !== null) branches.value = branches.peek().map((each) => (each.id === mine ? { ...each, runId: run.runId } : each.runId === run.runId ? { ...each, runId: null } : each));
    }
    while (arrivals.length < run.tokens.ids.length - before) arrivals.push(performance.now() - started);
  });
  effect(() => {
    state.model.value;
    branches.value = [];
  });
}

/** The options as `tokenlight.generate` takes them. @returns {GenerateOptions} */
export function generateOptions() {
  const { stop, ...others } = options.value;
  return { ...others, stop: stop.split('\n').filter(Boolean).map((line) => line.replaceAll('\\n', '\n')) };
}

/** Writes into a branch. @param {Branch} into @param {string | number[]} start @param {GenerateOptions} [how] */
async function write(into, start, how = generateOptions()) {
  keep();
  branches.value = [...branches.value.filter(({ id }) => id !== into.id), into].sort((a, b) => a.id - b.id);
  expected = into.id;
  await page.generate(start, { ...how, given: Array.isArray(start) ? into.given : undefined }).catch(() => {}); // said on the page
  keep();
  if (expected === into.id) {
    expected = null;
    branches.value = branches.value.filter(({ id, ids }) => id !== into.id || ids.length);
  }
}

/** Notes what the shown branch has become. */
function keep() {
  const run = state.run.value;
  if (!run) return;
  const { ids, texts } = run.tokens;
  branches.value = branches.value.map((each) => (each.runId === run.runId ? { ...each, ids, texts, given: run.given } : each));
}

const nextId = () => Math.max(0, ...branches.value.map(({ id }) => id)) + 1;

/** The shown branch; a text that was only read becomes one. @returns {Branch | null} */
function present() {
  const run = state.run.value;
  if (!run) return null;
  keep();
  if (branch.value) return branch.value;
  const { ids, texts } = run.tokens;
  const made = { id: nextId(), parent: null, fork: 0, given: run.given, ids, texts, seed: null, runId: run.runId };
  branches.value = [...branches.value, made];
  return made;
}

/** Writes on after the prompt in the box; the same prompt again is a branch of the first. */
export function generate() {
  const text = prompt.value;
  keep();
  const first = branches.value.find(({ parent, given, texts }) => parent === null && texts.slice(0, given).join('') === text);
  const { seed } = options.value;
  return write({ id: nextId(), parent: first?.id ?? null, fork: first?.given ?? 0, given: first?.given ?? 0, ids: [], texts: [], seed, runId: null }, text);
}

/** Reads the prompt without writing. */
export function readOnly() {
  return page.analyze(prompt.value, { topK: state.settings.value.topK }).catch(() => {});
}

/** Goes on from where the text ends, as if it had not stopped. */
export async function continueText() {
  const from = present();
  if (from) await write(from, from.ids);
}

/** Writes again from the given part with the next seed. */
export async function anotherSeed() {
  const from = present();
  if (!from) return;
  const seed = options.value.seed + 1;
  options.value = { ...options.value, seed };
  await write({ ...from, id: nextId(), parent: from.parent ?? from.id, fork: from.given, ids: [], texts: [], seed, runId: null }, from.ids.slice(0, from.given));
}

/** Puts another token at a step and writes on from there; the old way stays in the tree. @param {number} token @param {number} id */
export async function branchAt(token, id) {
  const from = present();
  if (!from) return;
  const given = Math.min(from.given, token + 1);
  await write({ ...from, id: nextId(), parent: from.id, fork: token, given, ids: [], texts: [], seed: options.value.seed, runId: null }, [...from.ids.slice(0, token), id]);
}

/** Shows a branch again. @param {Branch} wanted */
export async function show(wanted) {
  if (wanted.runId === null || wanted.runId !== state.run.value?.runId) await write(wanted, wanted.ids, { ...generateOptions(), maxTokens: 0 });
}

/** Lets go of every branch but the shown one. */
export function clearBranches() {
  const shown = present();
  branches.value = shown ? [{ ...shown, parent: null, fork: 0 }] : [];
}

/** @param {Partial<typeof options.value>} changes */
export const setOptions = (changes) => void (options.value = { ...options.value, ...changes });

/** Chooses the token all panels show; the last one means: the newest. @param {number} index */
export function stepTo(index) {
  if (!count.value) return;
  const to = Math.max(0, Math.min(count.value - 1, index));
  state.pinned.value = to === count.value - 1 ? null : to;
}

/** @param {number} by */
export const step = (by) => stepTo((current.value ?? 0) + by);
