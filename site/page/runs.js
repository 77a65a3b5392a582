// Runs: starts and stops them, receives Python's results, and requests views of the current one; main thread.

import { analyzeOptions, checkedInput, generateOptions } from '../shared/options.js';
import { commonLength, commonTokens, conditionsOf, strideOf } from '../shared/run_key.js';
import { batch } from '../vendor/signals-core.js';
import { costOf, noteSpeed } from './cost.js';
import { analysis, retireAfter, stop as stopWorker, trust, workers } from './models.js';
import { message, say } from './notices.js';
import { callback, PartLost } from './part.js';
import * as state from './state.js';

/** @import {AppendedToken, FillInRequest, LoadedModel, Ranked, RunKey, RunRequest, RunUpdate} from '../shared/protocol.js' */
/** @import {TokenizedText, ViewName, ViewRequests, Views} from '../shared/protocol.js' */
/** @import {RunState} from './state.js' */

/**
 * A run that has been started. `tokens` resolves when its text is tokenized and shown, `done` when it has ended, also by
 * Stop; both reject if it failed or was replaced.
 * @typedef {{ id: number, tokens: Promise<TokenizedText>, done: Promise<{ stopped: boolean }> }} Run
 */

/** Also in pyscripts/strides.py. */
export const ONLY_LIKELIHOODS = 'This text was read in windows: layers and attention need a text within the context.';

let newest = 0;
let newestKind = /** @type {'read' | 'generate'} */ ('read');
/** Updates that arrived before their run's tokens: the two workers' messages are unordered. @type {RunUpdate[]} */
let early = [];

/**
 * Starts a run and ends every other; its id is returned at once.
 * @param {'read' | 'generate'} kind
 * @param {string | number[]} input a text, or token ids exactly as they are cut
 * @param {object} options of tokenlight.analyze or tokenlight.generate
 * @param {{ given?: number | null }} [how] given: see RunRequest
 * @returns {Run} throws before anything runs if an argument is wrong or no model is loaded
 */
export function startRun(kind, input, options, { given = null } = {}) {
  const { inference } = workers();
  const model = /** @type {LoadedModel} */ (state.model.value);
  const checked = kind === 'read' ? analyzeOptions(options, model.manifest.context_length) : generateOptions(options);
  const tokensOrText = checkedInput(kind === 'read' ? 'analyze' : 'generate', input, model.manifest.vocab_size);
  const request = /** @type {RunRequest} */ ({ runId: ++newest, kind, input: tokensOrText, options: checked, given });
  const id = request.runId;
  newestKind = kind;
  early = [];
  batch(() => {
    state.underWay.value = id;
    say(null);
  });
  /** @type {(tokens: TokenizedText) => void} */
  let onShown = () => {};
  const tokens = new Promise((resolve) => (onShown = resolve));
  const onTokens = (/** @type {TokenizedText} */ tokenized) => {
    if (id === newest) show(request, model, tokenized);
    onShown(tokenized);
  };
  const done = finish(id, inference, inference.wait(inference.api.run(request, callback(onTokens))));
  done.catch(() => {}); // callers that await it see the error
  const shown = Promise.race([tokens, done.then(() => tokens)]);
  shown.catch(() => {});
  return { id, tokens: shown, done };
}

/**
 * @param {number} id
 * @param {import('./part.js').Part<import('../shared/protocol.js').InferenceApi>} inference
 * @param {Promise<import('../shared/protocol.js').Outcome>} outcome
 */
async function finish(id, inference, outcome) {
  const started = performance.now();
  try {
    const { stopped } = await outcome;
    trust();
    const run = state.run.value;
    if (run?.id === id && run.kind === 'read' && run.conditions.stride === null && !stopped) {
      noteSpeed(run.tokens.ids.length - run.reused, performance.now() - started);
    }
    if (id === newest && stopped) say('Stopped. The part read or generated so far is kept.');
    return { stopped };
  } catch (error) {
    const expected = error instanceof PartLost || /** @type {Error} */ (error).name === 'Ended';
    if (id === newest && !expected) say(message(error), true);
    retireAfter(error, inference);
    throw error;
  } finally {
    batch(() => {
      if (state.underWay.value === id) state.underWay.value = null;
      if (state.run.value?.id === id) state.run.value = { ...state.run.value, done: true };
    });
  }
}

/**
 * Shows a run's tokens before any has been read; the previous run's results for the same tokens are kept.
 * @param {RunRequest} request @param {LoadedModel} model @param {TokenizedText} tokens
 */
function show({ runId: id, kind, input, options, given }, model, tokens) {
  const { manifest, vocabulary } = model;
  const onePass = conditionsOf(manifest, options.prefix !== false);
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
    model: {
      id: manifest.id, name: manifest.name, layers: manifest.layers, lens: Boolean(manifest.inputs.lens),
      vocabulary: (token) => vocabulary[token] ?? '',
    },
    given: kind === 'generate' ? Math.min(given ?? Infinity, tokens.ids.length) : tokens.ids.length,
    done: false,
    columns: count && old ? copied(old.columns, count) : {},
    colours: count ? firstOf(state.colours.value, count) : null,
    summary: null,
    stored: null,
    literal: options.literal === true,
    source: kind === 'read' && typeof input === 'string' ? input : null,
  };
  batch(() => {
    const keptPin = pinned.value !== null && pinned.value < alike ? pinned.value : null;
    state.selection.value = { run: id, hovered: null, pinned: keptPin, span: keptSpan };
    state.run.value = run;
    const cost = conditions.stride === null ? costOf(manifest, tokens.ids.length - same) : null;
    if (cost) say(cost);
    if (tokens.total > tokens.ids.length) {
      const [all, context, first] = [tokens.total, manifest.context_length, tokens.ids.length].map((number) => number.toLocaleString('en'));
      say(`The text has ${all} tokens, but the context of ${manifest.name} is ${context}. Showing the first ${first}. ${cost ?? ''}`);
    }
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

/** @param {import('../shared/protocol.js').ThemeColours} colours @param {number} count */
const cut = ({ background, text }, count) => ({ background: background.slice(0, count), text: text.slice(0, count) });

/** Receives new results of a run; updates of a replaced run are dropped. @param {RunUpdate} update */
export function onUpdate(update) {
  const { runId, first, count, appended, arrays, colours, summary } = update;
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
  state.run.value = { ...run, tokens, count: first + count, colours, summary };
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
export const isGenerating = () => state.underWay.value !== null && newestKind === 'generate';

/** Stops the current run and everything that waits; the part read or generated so far is kept. */
export const stop = () => stopWorker().catch(() => {}); // a crashed worker has stopped too

/** @param {RunState} run @returns {RunKey} */
export const keyOf = (run) => ({ ...run.conditions, ids: run.tokens.ids });

/** @returns {RunState} the current run, if its attention and hidden states can be asked for */
function runInOnePass() {
  const run = currentRun();
  if (run.conditions.stride !== null) throw new Error(ONLY_LIKELIHOODS);
  return run;
}

/** @returns {RunState} the current run, made by a model of this page */
export function currentRun() {
  const run = state.run.value;
  if (!run) throw new Error('There is no run yet. Read a text first.');
  if (run.stored) throw new Error('This is a stored example. Press Run to read it here.');
  if (run.id === state.forgotten.value) throw new Error('Python was restarted and no longer has this run. Press Run to read the text again.');
  return run;
}

/**
 * Several views of a run at once, computed in Python; a view that fails returns its own error.
 * @param {number} runId @param {ViewRequests} requests
 */
export async function views(runId, requests) {
  const part = analysis();
  if (!part) throw new Error('Python is not running.');
  return part.wait(part.api.views(runId, requests));
}

/**
 * One view of a run (pyscripts/page/views), the current one unless another is named.
 * @template {ViewName} Name
 * @param {Name} name @param {Views[Name]['args']} args @param {number} [runId]
 * @returns {Promise<Views[Name]['answer']>}
 */
export async function view(name, args, runId = currentRun().id) {
  const { answer } = await views(runId, { answer: { view: name, args } });
  if ('error' in answer) throw new Error(answer.error);
  return /** @type {any} */ (answer);
}

/** The Run as JSON; made only on request, since it is large. @param {number} runId */
export const wholeRun = async (runId) => (await view('run', {}, runId)).json;

/**
 * One head's attention matrix of the current run, recomputed if the text is too long to keep all of them.
 * @param {number} layer @param {number} head
 * @returns {Promise<{ rows: number, cols: number, data: Float32Array }>} positions × positions, prefix included
 */
export async function attention(layer, head) {
  const run = runInOnePass();
  const ask = async () => {
    const { json, arrays } = await view('attention', { layer, head }, run.id);
    return json && { ...json, data: /** @type {Float32Array} */ (arrays.data.data) };
  };
  const kept = await ask();
  if (kept) return kept;
  await attentionAgain(run, [layer]);
  return /** @type {NonNullable<typeof kept>} */ (await ask());
}

/**
 * Computes attention of a run again, for Python to keep: of some layers, or a survey of all heads.
 * @param {RunState} run @param {number[] | 'survey'} what
 */
export function attentionAgain(run, what) {
  const { inference } = workers();
  return inference.wait(inference.api.attention(run.id, keyOf(run), what === 'survey' ? null : what));
}

/**
 * What each layer of the current run would predict after a token.
 * @param {number} token index of a shown token @param {number} [topK]
 */
export async function lens(token, topK = 5) {
  const run = runInOnePass();
  await inspect(token, run);
  return (await view('lens', { token, topK }, run.id)).json;
}

/**
 * Runs one position again, for the views that read its logits or the lens; -1 is the position before the first token.
 * @param {number} token index of a shown token @param {RunState} [run]
 */
export function inspect(token, run = runInOnePass()) {
  if (!Number.isInteger(token) || token < -1 || token >= run.count) {
    throw new RangeError(`There is no token ${token}: the text has ${run.count} tokens, numbered from 0.`);
  }
  const { inference } = workers();
  const position = token + (run.conditions.prefix === null ? 0 : 1);
  return inference.wait(inference.api.inspect(run.id, keyOf(run), position));
}

/**
 * Ranks candidates for a blank, the best first; the current run is not changed.
 * @param {FillInRequest} request @param {(done: number, all: number) => void} onProgress
 * @returns {Promise<Ranked[]>}
 */
export function fillIn(request, onProgress) {
  const { inference } = workers();
  return inference.wait(inference.api.fillIn(request, callback(onProgress)));
}

/** Pins the current reading in Python, to compare it with later ones. */
export async function pinReading() {
  const { analysis: part } = workers();
  await part.wait(part.api.pin(currentRun().id));
}

/** Colours the current and later runs by one of the colourings of pyscripts/colour/colourings.py. @param {string} id */
export async function setColouring(id) {
  state.settings.value = { ...state.settings.value, colouring: id };
  const part = analysis();
  const run = state.run.value;
  if (!part || !state.colourings.value.length) return; // Python reads the setting when it starts
  const colours = await part.wait(part.api.colours(run && !run.stored ? run.id : null, id));
  if (colours && run && state.run.value?.id === run.id) state.run.value = { ...state.run.value, colours };
}
