// Everything that changes the page's state: booting, loading, reading, writing, choosing; main thread.

import { costOf, noteSpeed } from './cost.js';
import { callback, EngineLost } from './engine.js';
import { boot as bootEngine, cancelLoading, load, mendAfter, message, say, theEngine, trust } from './loading.js';
import * as state from './state.js';

/** @import {AnalyzeOptions, AppendedToken, GenerateOptions, Manifest, Outcome, RunUpdate, TokenizedText} from './protocol.js' */

const MAX_TOP_K = 50;
const MOST_TO_STOP = 20_000; // ms; one pass of a large model on a slow machine takes some seconds

let runs = 0; // the newest run's id; answers to any other are dropped

export { cancelLoading, load, say };

/** Starts the workers and loads a model. @param {string | null} modelId @returns {Promise<Manifest>} */
export const boot = (modelId) => bootEngine(modelId, onUpdate);

/**
 * Reads a text with the loaded model; the state fills as it is read.
 * @param {string} text
 * @param {AnalyzeOptions} [options]
 * @returns {Promise<any>} the Run (see README)
 */
export async function analyze(text, options = {}) {
  if (typeof text !== 'string') throw new TypeError('analyze wants a text.');
  const { topK = 10, bos = true } = options;
  if (!Number.isInteger(topK) || topK < 0 || topK > MAX_TOP_K) throw new RangeError(`topK must be a whole number from 0 to ${MAX_TOP_K}.`);
  return wholeRun(await read(text, { topK, bos }));
}

/** Reads a text or token ids. @param {string | number[]} text @param {AnalyzeOptions} options @param {(tokens: TokenizedText) => void} [onShown] */
const read = (text, options, onShown) => run((runId, onTokens) => theEngine().inference.analyze({ runId, text, options }, onTokens), Infinity, onShown);

/** The Run as JSON; made only for those who ask, since it is large. @param {number} runId */
const wholeRun = (runId) => theEngine().wait(theEngine().analysis.view(runId, 'run', {}));

/**
 * Reads a text that is given as token ids, exactly as it is cut, and puts it into the box.
 * @param {number[]} ids
 * @param {number | null} [chosen] a token to keep in the inspector
 */
export function analyzeIds(ids, chosen = null) {
  return read(ids, { topK: state.settings.value.topK }, ({ text }) => {
    setText(text);
    if (chosen !== null) state.pinned.value = chosen;
  });
}

/**
 * Writes on after a prompt.
 * @param {string | number[]} prompt a text, or token ids to go on from exactly
 * @param {GenerateOptions} [options]
 * @returns {Promise<any>} the Run, with `steps`
 */
export async function generate(prompt, options = {}) {
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) throw new TypeError('generate wants a prompt: a text or a list of token ids.');
  const { maxTokens = 50, seed = 0 } = options;
  if (!Number.isInteger(maxTokens) || maxTokens < 0) throw new RangeError('maxTokens must be a whole number, 0 or more.');
  if (!Number.isInteger(seed) || seed < 0) throw new RangeError('seed must be a whole number, 0 or more.');
  return wholeRun(await run((runId, onTokens) => theEngine().inference.generate({ runId, prompt, options: { ...options, maxTokens, seed } }, onTokens), options.given));
}

/**
 * One run from start to end; a newer one makes this one reject.
 * @param {(runId: number, onTokens: (tokens: TokenizedText) => void) => Promise<Outcome>} work
 * @param {number} [given] tokens that were given, where the prompt holds generated ones too
 * @param {(tokens: TokenizedText) => void} [onShown] called when the page shows the tokens, before any has been read
 * @returns {Promise<number>} the run's id
 */
async function run(work, given = Infinity, onShown) {
  const loaded = state.model.value;
  if (!loaded) throw new Error('No model is loaded yet: wait for tokenlight.ready.');
  const runId = ++runs;
  state.phase.value = 'running';
  say(null);
  const onTokens = (/** @type {TokenizedText} */ tokens) => {
    if (runId !== runs) return;
    const old = state.run.value;
    const differs = old ? old.tokens.ids.findIndex((id, i) => id !== tokens.ids[i]) : 0;
    const same = differs < 0 ? /** @type {number} */ (old?.tokens.ids.length) : differs; // so many tokens stay, and what is known of them
    state.hovered.value = null;
    if (state.pinned.value !== null && state.pinned.value >= same) state.pinned.value = null;
    const count = Math.min(same, old?.count ?? 0);
    state.run.value = { runId, tokens, given: Math.min(given, tokens.ids.length), count, done: false, columns: count && old ? old.columns : {}, colours: null, summary: old?.summary ?? {} };
    onShown?.(tokens);
    const most = tokens.ids.length;
    const cost = costOf(loaded.manifest, most - same);
    if (cost) say(cost);
    if (tokens.total > most) say(`The text has ${tokens.total} tokens and ${loaded.manifest.name} reads at most ${loaded.manifest.context_length}: the first ${most} are shown. ${cost ?? ''}`);
  };
  let stopped = false;
  const started = performance.now();
  try {
    const { cancelled } = await theEngine().wait(work(runId, callback(onTokens)));
    if (runId !== runs) throw new Error('This run was replaced by a newer one.');
    stopped = cancelled;
    if (stopped) throw new Error('This run was stopped.');
    trust();
    noteSpeed(state.run.value?.tokens.ids.length ?? 0, performance.now() - started);
    if (state.run.value) state.run.value = { ...state.run.value, done: true };
    return runId;
  } catch (error) {
    const mine = runId === runs && state.phase.value === 'running' && !(error instanceof EngineLost);
    if (mine) say(stopped ? 'Stopped; what was read or written stays.' : message(error), !stopped);
    mendAfter(error);
    throw error;
  } finally {
    if (runId === runs && state.phase.value === 'running') state.phase.value = 'ready';
  }
}

/** @param {RunUpdate} update those of a run that was replaced are dropped */
function onUpdate({ runId, first, count, appended, arrays, colours, summary }) {
  const run = state.run.value;
  if (!run || run.runId !== runId) return;
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

/**
 * A view of the current run, computed in Python (pyscripts/views.py).
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 */
export function view(name, args = {}) {
  return theEngine().wait(theEngine().analysis.view(currentRun(), name, args));
}

/**
 * One head's attention matrix, computed again where the text is too long to keep all of them.
 * @param {number} layer @param {number} head
 * @returns {Promise<{ rows: number, cols: number, data: number[] }>} positions × positions, BOS included
 */
export async function attention(layer, head) {
  const runId = currentRun();
  const kept = await view('attention', { layer, head });
  if (kept) return kept;
  say('This text is too long to keep every head: the layer is computed again.');
  await theEngine().wait(theEngine().inference.attention(runId, layer));
  if (runId === runs) say(null);
  return view('attention', { layer, head });
}

/**
 * What every layer would say comes after a token.
 * @param {number} token index of a shown token
 * @param {number} [topK]
 */
export async function lens(token, topK = 5) {
  await inspect(token);
  return view('lens', { token, topK });
}

/**
 * What the model expected after a token, before and after sampling options.
 * @param {number} token @param {GenerateOptions} options
 */
export async function distribution(token, options) {
  await inspect(token);
  return view('distribution', { token, options });
}

/**
 * Runs one position again, for the views that read its logits or the lens; -1 is the position before the first token.
 * @param {number} token index of a shown token
 */
export function inspect(token) {
  const runId = currentRun();
  const { count } = /** @type {import('./state.js').RunState} */ (state.run.value);
  if (!Number.isInteger(token) || token < -1 || token >= count) throw new RangeError(`There is no token ${token}: the text has ${count}, counted from 0.`);
  return theEngine().wait(theEngine().inference.inspect(runId, token));
}

/**
 * Ranks candidates for a blank, the best first; the current run stays.
 * @param {import('./protocol.js').FillInRequest} request
 * @param {(done: number, all: number) => void} onProgress
 */
export const fillIn = (request, onProgress) => theEngine().wait(theEngine().inference.fillIn(request, callback(onProgress)));

/** Keeps the current reading in Python, for the view that compares it with later ones. */
export const keepReading = () => theEngine().wait(theEngine().analysis.keep(currentRun()));

/** @returns {number} */
function currentRun() {
  if (!state.run.value) throw new Error('There is no run yet: analyse a text first.');
  return state.run.value.runId;
}

/** @param {string} id one of the colourings of pyscripts/colourings.py */
export async function setColouring(id) {
  const run = state.run.value;
  set('colouring', id);
  const colours = await theEngine().wait(theEngine().analysis.colours(run?.runId ?? runs, id));
  if (colours && state.run.value?.runId === run?.runId) state.run.value = { .../** @type {import('./state.js').RunState} */ (state.run.value), colours };
}

/**
 * Changes a setting of the page.
 * @template {keyof typeof state.settings.value} Name
 * @param {Name} name @param {(typeof state.settings.value)[Name]} value
 */
export const set = (name, value) => void (state.settings.value = { ...state.settings.value, [name]: value });

/** Runs what is in the box; what goes wrong is said on the page. */
export const runText = (/** @type {() => void} */ onShown = () => {}) => read(state.text.value, { topK: state.settings.value.topK }, onShown).then(() => {}, () => {});

/** Stops the run under way; what was read or written stays. A worker that does not even hear of it is started anew. */
export function stop() {
  const engine = theEngine();
  const asked = runs;
  const stuck = () => runs === asked && state.phase.value === 'running' && theEngine() === engine;
  setTimeout(() => stuck() && engine.lose('it did not stop when it was asked to'), MOST_TO_STOP);
  return engine.inference.cancel();
}

/** @param {string | null} id a tab; anything unknown is the first */
export const setView = (id) => void (state.view.value = state.VIEWS.find((view) => view === id) ?? state.VIEWS[0]);
export const setText = (/** @type {string} */ text) => void (state.text.value = text);
export const hover = (/** @type {number | null} */ index) => void (state.hovered.value = index);
export const setTopK = (/** @type {number} */ topK) => void (state.settings.value = { ...state.settings.value, topK });

/** Keeps a token in the inspector, or lets it go when it was the one. @param {number | null} index */
export function pin(index) {
  state.pinned.value = state.pinned.value === index ? null : index;
}

/** Moves the chosen token by `step`, staying inside the text. @param {number} step */
export function move(step) {
  const run = state.run.value;
  if (!run) return;
  const from = state.pinned.value ?? state.hovered.value ?? (step > 0 ? -1 : run.tokens.ids.length);
  state.pinned.value = Math.max(0, Math.min(run.tokens.ids.length - 1, from + step));
}
