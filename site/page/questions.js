// What is asked about a run beside its streamed results: views, attention, the logit lens, candidates for a blank; main thread.

import { firstPosition } from '../shared/run_key.js';
import { changesOf } from './changes.js';
import { analysis, workers } from './models.js';
import { callback } from './part.js';
import { keyOf } from './runs.js';
import * as state from './state.js';

/** @import {FillInRequest, Ranked, ViewName, ViewRequests, Views, WhyMissing} from '../shared/protocol.js' */
/** @import {RunState} from './state.js' */

const MOST_TRIES = 5; // a panel may ask for attention of another layer meanwhile, and of long texts one layer is kept

/** @returns {RunState} the current run, if its attention and hidden states can be asked for */
function runInOnePass() {
  const run = currentRun();
  if (run.whyNoLayers !== null) throw new Error(run.whyNoLayers);
  return run;
}

/** @returns {RunState} the current run, made by a model of this page */
function currentRun() {
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
 * The current run as a file (pyscripts/saved/files.py).
 * @param {import('../shared/options.js').FileKind} kind @param {string} link to the text, which an HTML file carries; empty: none
 */
export async function runFile(kind, link) {
  const { json, arrays } = await view('file', { kind, colouring: state.settings.value.colouring, address: kind === 'html' ? link : '' });
  return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (arrays.bytes.data)], { type: json.type });
}

/**
 * One head's attention matrix of the current run, recomputed if the text is too long to keep all of them.
 * @param {number} layer @param {number} head
 * @returns {Promise<{ rows: number, cols: number, data: Float32Array }>} positions × positions, prefix included
 */
export async function attention(layer, head) {
  const run = runInOnePass();
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { json, arrays } = await view('attention', { layer, head }, run.id);
    if (json) return { ...json, data: /** @type {Float32Array} */ (arrays.data.data) };
    await attentionAgain(run, [layer]);
  }
  throw new Error('Attention of other layers is being computed. Try again when the page is idle.');
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
 * Computes what a view still lacks: a token's attribution, a batch of variants, the untouched reading, or the outputs of the heads.
 * @param {RunState} run @param {WhyMissing} missing
 */
export function computeMissing(run, missing) {
  const { inference } = workers();
  const { api } = inference;
  const key = keyOf(run);
  if ('scope' in missing) return inference.wait(api.runVariants(run.id, key, missing));
  if (missing.kind === 'untouched') return inference.wait(api.readUntouched(run.id, key));
  if (missing.kind === 'head_outputs') return inference.wait(api.readHeads(run.id, key, missing));
  return inference.wait(api.attribute(run.id, key, missing.position, missing.targets));
}

/**
 * Computes the logit lens of the next few positions of a run, for the views of the whole text.
 * @param {RunState} run @param {{ position: number }} from
 */
export function computeLens(run, { position }) {
  const { inference } = workers();
  return inference.wait(inference.api.lensFrom(run.id, keyOf(run), position));
}

/**
 * The mean over a list of texts of what enters a layer, minus that over another list: a steering vector.
 * @param {import('../shared/protocol.js').ListRequest} request
 */
export async function listSteering(request) {
  const { inference } = workers();
  const run = runInOnePass();
  await inference.wait(inference.api.readLists(run.id, request));
  return view('list_steering', { layer: request.layer, mean: request.mean }, run.id);
}

/**
 * A view of the current run with all it lacks computed first.
 * @template {'why_adds' | 'why_tokens' | 'why_heads' | 'head_mean' | 'patch'} Name
 * @param {Name} name @param {Views[Name]['args']} args @param {(answer: Views[Name]['answer']) => void} [onPart] called after each batch
 * @returns {Promise<Views[Name]['answer']>}
 */
export async function wholeView(name, args, onPart) {
  const run = runInOnePass();
  for (;;) {
    const answer = await view(name, args, run.id);
    const { missing } = answer.json;
    if (!missing) return answer;
    onPart?.(answer);
    await computeMissing(run, missing);
  }
}

/**
 * What each layer of the current run would predict after a token.
 * @param {number} token index of a shown token @param {number} topK
 */
export async function lens(token, topK) {
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
  const position = token + firstPosition(run.conditions.prefix);
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

/** Pins the current reading as A, to compare later ones with it, or to copy from it. */
export async function pinReading() {
  const { analysis: part } = workers();
  const run = currentRun();
  await part.wait(part.api.pin(run.id));
  state.pinnedReading.value = { model: run.model.name, text: run.tokens.text, runId: run.id, changes: changesOf(run) };
}
