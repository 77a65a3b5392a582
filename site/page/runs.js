// Runs: starts and stops them, and receives their results; main thread.

import { count as written } from '../frame/format.js';
import { checkedInterventions } from '../shared/interventions.js';
import { isOutOfMemory, NOT_FOR_TEXT } from '../shared/memory.js';
import { analyzeOptions, checkedInput, generateOptions, takeInterventions } from '../shared/options.js';
import { commonLength, commonTokens, conditionsOf, runModelOf, strideOf } from '../shared/run_key.js';
import { transfer } from '../vendor/comlink.min.js';
import { batch } from '../vendor/signals-core.js';
import { costOf, noteSpeed } from './cost.js';
import { analysis, analysisStarted, retireAfter, stop as stopWorker, trust, workers } from './models.js';
import { message, say, sayMeanwhile } from './notices.js';
import { callback, isEnded, PartLost } from './part.js';
import * as state from './state.js';

/** @import {AppendedToken, LoadedModel, RunKey, RunRequest, RunUpdate, TokenizedText} from '../shared/protocol.js' */
/** @import {RunState} from './state.js' */

/**
 * A run that has been started. `tokens` resolves when its text is tokenized and shown, `done` when it has ended, also by
 * Stop; both reject if it failed or was replaced.
 * @typedef {{ id: number, tokens: Promise<TokenizedText>, done: Promise<{ stopped: boolean }> }} Run
 */

/** As in pyscripts/strides.py (tests/unit/test_wording.py). */
const ONLY_LIKELIHOODS = 'This text was read in windows: layers and attention need a text within the context.';

let newest = 0;
let generates = false; // whether the newest run generates; a generated text that is read again gets no more tokens
/** Updates that arrived before their run's tokens: the two workers' messages are unordered. @type {RunUpdate[]} */
let early = [];
/** Removes what the newest run said of what it will cost. */
let forgetCost = () => {};

/**
 * Starts a run and ends every other; its id is returned at once.
 * @param {'read' | 'generate'} kind
 * @param {string | number[]} input a text, or token ids exactly as they are cut
 * @param {object} options of tokenlight.analyze or tokenlight.generate
 * @param {{ given?: number | null, once?: boolean }} [how] given: see RunRequest; once: its interventions are its own, and do not
 *   become the page's
 * @returns {Run} throws before anything runs if an argument is wrong or no model is loaded
 */
export function startRun(kind, input, options, { given = null, once = false } = {}) {
  const { inference } = workers();
  const model = /** @type {LoadedModel} */ (state.model.value);
  const call = kind === 'read' ? 'analyze' : 'generate';
  const { interventions: asked, others } = takeInterventions(call, options);
  const checked = kind === 'read' ? analyzeOptions(others, model.manifest.context_length) : generateOptions(others);
  const tokensOrText = checkedInput(call, input, model.manifest.vocab_size);
  const own = asked === undefined ? null : checkedInterventions(asked, model.manifest);
  say(null);
  const interventions = own ?? fitting(model.manifest);
  if (!once) state.interventions.value = interventions;
  const request = /** @type {RunRequest} */ ({ runId: ++newest, kind, input: tokensOrText, options: checked, interventions, given });
  const id = request.runId;
  generates = 'maxTokens' in checked && checked.maxTokens !== 0;
  early = [];
  state.underWay.value = id;
  /** @type {(tokens: TokenizedText) => void} */
  let onShown = () => {};
  const tokens = new Promise((resolve) => (onShown = resolve));
  const onTokens = (/** @type {TokenizedText} */ tokenized) => {
    if (id === newest) show(request, model, tokenized);
    onShown(tokenized);
  };
  const done = finish(id, model, inference, inference.wait(inference.api.run(request, callback(onTokens))));
  done.catch(() => {}); // callers that await it see the error
  const shown = Promise.race([tokens, done.then(() => tokens)]);
  shown.catch(() => {});
  return { id, tokens: shown, done };
}

/** The page's interventions, unless they do not fit a model that was loaded since. @param {import('../shared/protocol.js').Manifest} manifest */
function fitting(manifest) {
  try {
    return checkedInterventions(state.interventions.value, manifest);
  } catch {
    say(`${manifest.name} cannot have the interventions that were set, so they were removed.`, true);
    return {};
  }
}

/**
 * @param {number} id
 * @param {LoadedModel} model
 * @param {import('./part.js').Part<import('../shared/protocol.js').InferenceApi>} inference
 * @param {Promise<import('../shared/protocol.js').Outcome>} outcome
 */
async function finish(id, model, inference, outcome) {
  const started = performance.now();
  try {
    const { stopped } = await outcome;
    trust();
    const run = state.run.value;
    if (run?.id === id && run.kind === 'read' && run.conditions.stride === null && !stopped) {
      noteSpeed(model, run.tokens.ids.length - run.reused, performance.now() - started);
    }
    if (id === newest && stopped) say('Stopped. The part read or generated so far is kept.');
    return { stopped };
  } catch (error) {
    const expected = error instanceof PartLost || isEnded(error);
    const lacked = isOutOfMemory(error);
    if (id === newest && !expected) say(lacked ? NOT_FOR_TEXT : message(error), true);
    retireAfter(error, /** @type {Error} */ (error).name === 'PythonError' ? analysis() ?? inference : inference);
    throw lacked && !expected ? new Error(NOT_FOR_TEXT, { cause: error }) : error;
  } finally {
    batch(() => {
      if (id === newest) forgetCost();
      if (state.underWay.value === id) state.underWay.value = null;
      if (state.run.value?.id === id) state.run.value = { ...state.run.value, done: true };
    });
  }
}

/**
 * Shows a run's tokens before any has been read; the previous run's results for the same tokens are kept.
 * @param {RunRequest} request @param {LoadedModel} model @param {TokenizedText} tokens
 */
function show({ runId: id, kind, input, options, interventions, given }, model, tokens) {
  const { manifest, vocabulary } = model;
  const onePass = conditionsOf(manifest, options.prefix !== false, interventions);
  const asked = 'stride' in options ? options.stride : undefined;
  const conditions = { ...onePass, stride: strideOf(manifest.context_length, onePass.prefix, tokens.ids.length, asked) };
  const old = state.run.value;
  const same = old ? commonTokens(keyOf(old), { ...conditions, ids: tokens.ids }) : 0;
  const count = Math.min(same, old?.count ?? 0);
  const { pinned, span } = state;
  // The selection is kept as far as the tokens look the same, even if another model tokenized them.
  const sameModel = old?.conditions.model === conditions.model;
  const alike = sameModel ? commonLength(old.tokens.ids, tokens.ids) : commonLength(old?.tokens.texts ?? [], tokens.texts);
  const keptSpan = span.value && span.value.to <= alike ? span.value : null;
  /** @type {RunState} */
  const run = {
    id, kind, conditions, tokens, count, reused: count,
    model: { ...runModelOf(manifest), vocabulary: (token) => vocabulary[token] ?? '' },
    given: kind === 'generate' ? Math.min(given ?? Infinity, tokens.ids.length) : tokens.ids.length,
    done: false,
    columns: count && old ? copied(old.columns, count) : {},
    words: count && old ? old.words : null,
    colours: count ? firstOf(state.colours.value, count) : null,
    summary: null,
    stored: null,
    literal: options.literal === true,
    withPrefix: options.prefix !== false,
    source: kind === 'read' && typeof input === 'string' ? input : null,
    whyNoLayers: conditions.stride === null ? null : ONLY_LIKELIHOODS,
    file: null,
  };
  batch(() => {
    const keptPin = pinned.value !== null && pinned.value < alike ? pinned.value : null;
    state.selection.value = { run: id, hovered: null, pinned: keptPin, span: keptSpan };
    state.run.value = run;
    const cost = conditions.stride === null ? costOf(model, tokens.ids.length - same, conditions.prefix !== null) : null;
    const [all, context, first] = [tokens.total, manifest.context_length, tokens.ids.length].map(written);
    const cut = tokens.total > tokens.ids.length ? `The text has ${all} tokens, but the context of ${manifest.name} is ${context}. Showing the first ${first}.` : null;
    if (cost) forgetCost = sayMeanwhile(cut ? `${cut} ${cost}` : cost, cut);
    else if (cut) say(cut);
    for (const update of early.splice(0)) onUpdate(update);
  });
}

/**
 * Shows the run of a file, for which no model is needed, and ends every other. Rejects if the file is no run; nothing changes then.
 * @param {Uint8Array} data of JSON or NPZ @param {string} name the file's @param {(run: RunState) => void} onShown called as it is shown
 */
export async function openRun(data, name, onShown) {
  const part = await analysisStarted();
  const saved = await part.wait(part.api.openSaved(transfer(data, [data.buffer]), name));
  const { vocabulary, why_no_layers: whyNoLayers, model, tokens, text, conditions, given, literal } = saved;
  await stop();
  const id = ++newest;
  generates = false;
  early = [];
  /** @type {RunState} */
  const run = {
    id, kind: 'opened', conditions, tokens, given, literal, withPrefix: conditions.prefix !== null, whyNoLayers, file: name,
    model: { ...model, name: state.models.value.find(({ id }) => id === model.id)?.name ?? model.name, vocabulary: (token) => vocabulary[token] ?? '' },
    count: 0, reused: 0, done: true, columns: {}, words: null, colours: null, summary: null, stored: null, source: text,
  };
  await part.wait(part.api.showSaved(id)); // first: the panels ask Python about the run that is shown
  if (id !== newest) return;
  batch(() => {
    state.underWay.value = null;
    state.run.value = run;
    state.selection.value = { run: id, hovered: null, pinned: null, span: null };
    say(null);
    onShown(run);
    for (const update of early.splice(0)) onUpdate(update);
  });
}

/** @param {RunState['columns']} columns @param {number} count */
const copied = (columns, count) =>
  Object.fromEntries(Object.entries(columns).map(([name, { data, width }]) => [name, { data: data.slice(0, count * width), width }]));

/**
 * The colours of the first tokens only: later ones may have changed.
 * @param {RunState['colours']} colours @param {number} count @returns {RunState['colours']}
 */
const firstOf = (colours, count) => colours && { ...colours, light: cut(colours.light, count), dark: cut(colours.dark, count) };

/** @param {RunState['colours']} old @param {RunUpdate['colours']} colours @returns {RunState['colours']} */
function withNew(old, { first, ...colours }) {
  if (!old || !first) return colours;
  return { ...colours, light: joined(cut(old.light, first), colours.light), dark: joined(cut(old.dark, first), colours.dark) };
}

/** @param {import('../shared/protocol.js').ThemeColours} before @param {import('../shared/protocol.js').ThemeColours} after */
const joined = (before, after) => ({ background: before.background.concat(after.background), text: before.text.concat(after.text) });

/** @param {import('../shared/protocol.js').ThemeColours} colours @param {number} count */
const cut = ({ background, text }, count) => ({ background: background.slice(0, count), text: text.slice(0, count) });

/** Receives new results of a run; updates of a replaced run are dropped. @param {RunUpdate} update */
export function onUpdate(update) {
  const { runId, first, count, appended, arrays, words, colours, summary } = update;
  const run = state.run.value;
  if (runId === newest && run?.id !== runId) early.push(update);
  if (run?.id !== runId) return;
  const tokens = appended.length ? withAppended(run.tokens, appended) : run.tokens;
  const { columns } = run;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    const width = shape[1] ?? 1;
    const needed = (first + count) * width;
    const old = columns[name]?.data;
    if (!old || old.length < needed) {
      const room = new /** @type {any} */ (data).constructor(Math.max(tokens.ids.length * width, old ? 2 * old.length : 0, needed));
      if (old) room.set(old);
      columns[name] = { data: room, width };
    }
    columns[name].data.set(data, first * width);
  }
  state.run.value = { ...run, tokens, count: first + count, words, colours: withNew(run.colours, colours), summary };
}

/** @param {TokenizedText} tokens @param {AppendedToken[]} appended @returns {TokenizedText} */
const withAppended = ({ ids, texts, bytes, hex, control, total }, appended) => ({
  text: appended[appended.length - 1].whole,
  ids: [...ids, ...appended.map((token) => token.id)],
  texts: [...texts, ...appended.map((token) => token.text)],
  bytes: [...bytes, ...appended.map((token) => token.bytes)],
  hex: [...hex, ...appended.map((token) => token.hex)],
  control: [...control, ...appended.map((token) => token.control)],
  total: total + appended.length,
});

/** Whether the current run generates, even before its tokens are shown. */
export const isGenerating = () => state.underWay.value !== null && generates;

/** Stops the current run and everything that waits; the part read or generated so far is kept. */
export const stop = () => stopWorker().catch(() => {}); // a crashed worker has stopped too

/** @param {RunState} run @returns {RunKey} */
export const keyOf = (run) => ({ ...run.conditions, ids: run.tokens.ids });
