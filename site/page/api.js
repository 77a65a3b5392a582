// globalThis.tokenlight, the page's scripting interface as the README documents it; main thread.

import { analyzeOptions, checkedInput, fileKind, generateOptions, headArgs, lensArgs, patchArgs, progressOf, sweepArgs, takeInterventions, whyArgs } from '../shared/options.js';
import { effect } from '../vendor/signals-core.js';
import { linkInFile } from './address.js';
import { giveConsent } from './consent.js';
import { generate, openSaved, read, setText } from './edits.js';
import { load } from './models.js';
import { attention, lens, pinReading, runFile, wholeRun, wholeView } from './questions.js';
import * as state from './state.js';
import { commit } from './versions.js';

/** A plain JSON copy, so that scripts get no reference to the page's state. @template T @param {T} value @returns {T} */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** Resolves when a model and Python can answer, whichever model was chosen meanwhile; rejects if starting has failed. */
function answering() {
  giveConsent();
  return /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      /** @type {(() => void) | null} */
      let end = null;
      let over = false;
      end = effect(() => {
        const failed = state.failure.value;
        if ((!state.model.value || state.restarting.value) && failed === null) return;
        over = true;
        if (failed === null) resolve();
        else reject(new Error(failed));
        queueMicrotask(() => end?.());
      });
      if (over) end();
    })
  );
}

/** @param {import('./runs.js').Run} run */
async function ended(run) {
  await run.done;
  return wholeRun(run.id);
}

let written = /** @type {string | null} */ (null); // what setText wrote last

const tokenlight = Object.freeze({
  get ready() {
    return answering();
  },
  models: () => plain(state.models.value),
  async load(/** @type {unknown} */ id) {
    if (typeof id !== 'string') throw new TypeError('load(id): id must be a string, one of those that models() lists.');
    return plain(await load(id));
  },
  state() {
    const run = state.run.value;
    return plain({
      phase: state.phase.value,
      model: state.model.value?.manifest.id ?? null,
      text: state.text.value,
      lens: state.lens.value,
      token: state.pinned.value,
      run: run && { id: run.id, tokens: run.tokens.ids.length },
      interventions: state.interventions.value,
    });
  },
  setText(/** @type {unknown} */ text) {
    if (typeof text !== 'string') throw new TypeError('setText(text): text must be a string.');
    if (state.text.value !== written) commit(); // the user's text stays a version; a script's own steps, like keystrokes, are none
    written = text;
    setText(text);
  },
  async analyze(/** @type {unknown} */ text, /** @type {unknown} */ options) {
    const { interventions, others } = takeInterventions('analyze', options);
    analyzeOptions(others);
    if (typeof text !== 'string') throw new TypeError('analyze(text): text must be a string.');
    await answering();
    return ended(read(text, { topK: 10, ...analyzeOptions(others), ...(interventions === undefined ? {} : { interventions }) }));
  },
  async generate(/** @type {unknown} */ prompt, /** @type {unknown} */ options) {
    const { interventions, others } = takeInterventions('generate', options);
    const checked = generateOptions(others);
    checkedInput('generate', prompt);
    await answering();
    return ended(generate(/** @type {string | number[]} */ (prompt), { ...checked, ...(interventions === undefined ? {} : { interventions }) }));
  },
  heads() {
    const scores = state.model.value?.manifest.head_scores;
    if (!scores) throw new Error(state.model.value ? 'This model was exported without head scores.' : 'No model is loaded yet. Await tokenlight.ready.');
    return plain(scores);
  },
  async attention(/** @type {unknown} */ layer, /** @type {unknown} */ head) {
    const one = headArgs(layer, head);
    return attention(one.layer, one.head);
  },
  async attribution(/** @type {number} */ token, /** @type {unknown} */ options) {
    const { json, arrays } = await wholeView('why_adds', whyArgs('attribution', token, options));
    const { target, versus, logit, parts = [], layers = 0, columns = 1 } = json;
    const sources = /** @type {Float32Array} */ (arrays.by_head.data);
    const heads = columns - 1;
    return { target, versus, logit, parts, sources, shape: [layers, heads, sources.length / (layers * heads)] };
  },
  async dependence(/** @type {number} */ token, /** @type {unknown} */ options) {
    const { json, arrays } = await wholeView('why_tokens', { ...whyArgs('dependence', token, options, ['target']), both: false });
    return { target: json.target, positions: Array.from(arrays.deltas.data) };
  },
  pin: async () => pinReading(),
  async patch(/** @type {unknown} */ options, /** @type {((part: { done: number, of: number }) => void) | undefined} */ onProgress) {
    const args = patchArgs(options);
    const call = progressOf('patch', onProgress);
    const { json, arrays } = await wholeView('patch', args, ({ json: part }) => part.why_not === null && call?.({ done: part.done, of: part.of }));
    if (json.why_not !== null) throw new Error(json.why_not);
    const { target, versus, layers, columns } = json;
    return { target, versus, ...(json.heads ? { layers, heads: columns } : { layers: layers + 1, tokens: columns }), data: Float32Array.from(arrays.deltas.data) };
  },
  async sweep(/** @type {unknown} */ options, /** @type {((part: { layers: number, heads: number, data: Float32Array }) => void) | undefined} */ onProgress) {
    const args = sweepArgs(options);
    const call = progressOf('sweep', onProgress);
    /** @param {import('../shared/protocol.js').Views['why_heads']['answer']} answer */
    const part = ({ json, arrays }) => ({ layers: json.layers, heads: json.columns, data: Float32Array.from(arrays.deltas.data) });
    return part(await wholeView('why_heads', args, (answer) => call?.(part(answer))));
  },
  async lens(/** @type {unknown} */ token, /** @type {unknown} */ topK) {
    const args = lensArgs(token, topK);
    return lens(args.token, args.topK);
  },
  async export(/** @type {unknown} */ kind) {
    return runFile(fileKind(kind), linkInFile());
  },
  async open(/** @type {unknown} */ file) {
    if (!(file instanceof Blob)) throw new TypeError('open(file): file must be a Blob or File that holds a run.');
    await openSaved(new Uint8Array(await file.arrayBuffer()), file instanceof File ? file.name : 'The file');
    return wholeRun(/** @type {import('./state.js').RunState} */ (state.run.value).id);
  },
});

export function installApi() {
  /** @type {any} */ (globalThis).tokenlight = tokenlight;
}
