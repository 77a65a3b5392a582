// Passes of the model beside a run, for one position, one layer or a blank; the KV cache is read, never changed; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { ModelError } from '../shared/manifest.js';
import { conditionsOf } from '../shared/run_key.js';
import { Asides, joined } from './asides.js';
import { rankCandidates } from './fill_in.js';
import { copiesAtOnce, copyInputs, interventionInputs, varied, wholes } from './intervention_inputs.js';

/** @import {AnalysisApi, FillInRequest, Interventions, Manifest, PyArray, Ranked, RunKey, Variant, Variants} from '../shared/protocol.js' */
/** @import {KvCache, Past} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

const MOST_COPIES = 32; // in a pass: bounds the memory of their logits
const MOST_LENS_BYTES = 32e6; // of the logits of all layers in a pass
const MOST_ROWS = 256; // tokens of all copies in a pass: nothing can be cancelled within one

/** @param {RunKey} key @returns {Interventions} */
const interventionsOf = (key) => JSON.parse(key.interventions);

/**
 * A variant with the vectors of its patch.
 * @param {Variant} variant @param {PyArray | null} rows [position, layer, hidden or head · head_size] @param {number} headSize @returns {Variant}
 */
function patched(variant, rows, headSize) {
  if (!variant.patch || !rows) return variant;
  const [layer, from, head] = variant.patch;
  const [count, layers, size] = rows.shape;
  const ofHead = head === undefined ? {} : { head };
  const length = head === undefined ? size : headSize;
  const add = Array.from({ length: count }, (_, i) => {
    const start = (i * layers + layer) * size + (head ?? 0) * length;
    return { layer, ...ofHead, position: from + i, vector: Array.from(rows.data.subarray(start, start + length)) };
  });
  return { ...variant, add };
}

export class SidePasses {
  #manifest;
  #session;
  #tokenizer;
  #analysis;
  #cache;
  #asides;

  /**
   * @param {Manifest} manifest
   * @param {ModelSession} session
   * @param {TextTokenizer} tokenizer
   * @param {Comlink.Remote<AnalysisApi>} analysis
   * @param {KvCache} cache of the runs
   */
  constructor(manifest, session, tokenizer, analysis, cache) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#analysis = analysis;
    this.#cache = cache;
    this.#asides = new Asides(manifest, session, cache);
  }

  /**
   * Runs one position of a run again, with every layer's residual stream through the lens; a stream that the analysis worker
   * does not keep is computed first.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number} position counts the prefix token
   * @param {AbortSignal} signal
   */
  async inspect(runId, key, position, signal) {
    const { outputs, inputs, layers, hidden_size } = this.#manifest;
    const ids = this.#asides.idsOf(key, position);
    const kept = await this.#analysis.lensRows(runId, position);
    const interventions = interventionsOf(key);
    const past = await this.#asides.before(key, ids, position, interventions, signal);
    try {
      const changes = interventionInputs(interventions, this.#manifest, [position], position + 1);
      const run = (/** @type {string[]} */ only, /** @type {import('./intervention_inputs.js').Changes} */ more = {}) =>
        this.#session.forward([ids[position]], past, { only, changes: { ...changes, ...more }, keep: false });
      const computed = kept ? null : await run(outputs.hidden_states);
      const states = computed && joined(outputs.hidden_states.map((name) => computed[name])); // [layer+1, hidden]
      const rows = /** @type {Float32Array} */ (states?.slice(0, layers * hidden_size) ?? kept?.data);
      const name = inputs.lens ? outputs.lens_logits : undefined;
      const found = name ? await run([outputs.logits, name], { lens: { data: rows, dims: [layers, hidden_size] } }) : await run([outputs.logits]);
      await this.#analysis.inspected(runId, position, found[outputs.logits], name ? found[name] : null, states);
    } finally {
      past.release();
    }
  }

  /**
   * The logit lens of as many positions as fit into one pass of the unembedding, from one on, with their logits.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number} position counts the prefix token
   * @param {AbortSignal} signal
   */
  async lensFrom(runId, key, position, signal) {
    const { outputs, inputs, layers, hidden_size, vocab_size } = this.#manifest;
    if (!inputs.lens || !outputs.lens_logits) throw new ModelError('This model was exported without the logit lens.');
    const ids = this.#asides.idsOf(key, position);
    const count = Math.max(1, Math.min(ids.length - position, Math.floor(MOST_LENS_BYTES / (4 * layers * vocab_size))));
    const positions = Array.from({ length: count }, (_, i) => position + i);
    const interventions = interventionsOf(key);
    const past = await this.#asides.before(key, ids, position, interventions, signal);
    const none = this.#session.emptyPast();
    try {
      const states = outputs.hidden_states.slice(0, layers);
      const changes = interventionInputs(interventions, this.#manifest, positions, position + count);
      const found = await this.#session.forward(ids.slice(position, position + count), past, { only: [outputs.logits, ...states], changes, keep: false });
      const rows = joined(states.map((name) => found[name])); // [layer, position, hidden]
      const lens = { data: rows, dims: [layers * count, hidden_size] };
      const { [outputs.lens_logits]: lensLogits } = await this.#session.forward([ids[position]], none, { only: [outputs.lens_logits], changes: { lens }, keep: false });
      const logits = found[outputs.logits];
      await this.#analysis.readLens(runId, position, Comlink.transfer(lensLogits, [lensLogits.buffer]), Comlink.transfer(logits, [logits.buffer]));
    } finally {
      past.release();
      none.release();
    }
  }

  /**
   * Computes attention of a run again, for texts whose matrices are too large to keep.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number[] | null} layers null: all of them, to survey what each head does; they are not kept
   * @param {AbortSignal} signal
   */
  async attention(runId, key, layers, signal) {
    const all = this.#manifest.outputs.attentions;
    const names = layers ? layers.map((layer) => all[layer]) : all;
    const ids = this.#asides.idsOf(key, 0);
    const length = await this.#analysis.beginAttention(runId, layers);
    const past = await this.#asides.read(ids.slice(0, length), 0, names, signal, (outputs, count) => {
      const parts = names.map((name) => outputs[name]);
      return this.#analysis.addAttention(runId, count, Comlink.transfer(parts, parts.map(({ buffer }) => buffer)));
    }, { interventions: interventionsOf(key) });
    past.release();
    await this.#analysis.finishAttention(runId);
  }

  /**
   * Runs one position again for what its parts add along the logits of some tokens, and along each layer's own output.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number} position counts the prefix token
   * @param {number[]} targets token ids
   * @param {AbortSignal} signal
   */
  async attribute(runId, key, position, targets, signal) {
    const { outputs, hidden_size, layers } = this.#manifest;
    const { direct, target_rows: rows, target_constants: constants, attention_output: attention, mlp_output: mlp } = outputs;
    if (!direct || !rows || !constants || !attention || !mlp) throw new ModelError('This model was exported without attribution. Choose another.');
    const ids = this.#asides.idsOf(key, position);
    const interventions = interventionsOf(key);
    const past = await this.#asides.before(key, ids, position, interventions, signal);
    const changes = interventionInputs(interventions, this.#manifest, [position], position + 1);
    const [embedding] = outputs.hidden_states;
    const run = async (/** @type {string[]} */ only, /** @type {import('./intervention_inputs.js').Changes} */ more) => {
      const result = await this.#session.forward([ids[position]], past, { only, changes: { ...changes, ...more }, keep: false });
      return (/** @type {string[]} */ ...names) => joined(names.map((name) => result[name]));
    };
    try {
      const first = await run([embedding, outputs.logits, rows, constants, ...attention, ...mlp, ...outputs.attentions, ...direct], { target_ids: wholes(targets) });
      const attentionOutput = first(...attention);
      const second = await run(direct, { direction: { data: attentionOutput.slice(), dims: [layers, hidden_size] } });
      const found = {
        embedding: first(embedding), logits: first(outputs.logits), rows: first(rows), constants: first(constants),
        attention_output: attentionOutput, mlp_output: first(...mlp), attentions: first(...outputs.attentions), direct: first(...direct), aligned: second(...direct),
      };
      await this.#analysis.attributed(runId, { position, targets }, Comlink.transfer(found, Object.values(found).map(({ buffer }) => buffer)));
    } finally {
      past.release();
    }
  }

  /**
   * Runs variants of one position: the logits of each go to the analysis worker.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {Variants} batch
   * @param {AbortSignal} signal
   */
  async runVariants(runId, key, batch, signal) {
    const { scope, position, variants } = batch;
    const { outputs } = this.#manifest;
    const ids = this.#asides.idsOf(key, position);
    const interventions = interventionsOf(key);
    let first = batch.first;
    const send = (/** @type {Float32Array<ArrayBuffer>} */ logits, /** @type {number} */ count) => {
      const sent = this.#analysis.variantsRead(runId, { ...batch, variants: [], first }, Comlink.transfer(logits, [logits.buffer]));
      first += count;
      return sent;
    };
    if (scope !== 'last') {
      for (const { ids: own, interventions: ofOwn, heads, add } of variants) {
        const changed = ofOwn ?? varied(interventions, { heads, add }, position);
        let logits = new Float32Array(0);
        const past = await this.#asides.read(own ?? ids.slice(0, position + 1), 0, [outputs.logits], signal, (chunk) => void (logits = chunk[outputs.logits]), { interventions: changed, last: true });
        past.release();
        await send(logits.slice(-this.#manifest.vocab_size), 1);
      }
      return;
    }
    let past = this.#session.emptyPast();
    let begin = -1; // where the copies begin
    /** @type {PyArray | null} */
    let rows = null;
    try {
      for (let start = 0, count; start < variants.length; start += count) {
        signal.throwIfAborted();
        const from = variants[start].patch?.[1] ?? position;
        if (from !== begin) {
          past.release();
          past = await this.#asides.before(key, ids, from, interventions, signal);
          rows = variants[start].patch ? await this.#analysis.patchRows(runId, batch.kind, from) : null;
          begin = from;
        }
        const positions = Array.from({ length: position + 1 - from }, (_, i) => from + i);
        const width = positions.length;
        const most = copiesAtOnce(this.#manifest, from, Math.max(1, Math.min(MOST_COPIES, Math.floor(MOST_ROWS / width))), width);
        const group = variants.slice(start, start + most).filter(({ patch }) => (patch?.[1] ?? position) === from).map((variant) => patched(variant, rows, this.#manifest.head_size));
        count = group.length;
        const changes = copyInputs(interventions, this.#manifest, positions, group);
        if (width > 1) changes.logit_rows = wholes(group.map((_, copy) => (copy + 1) * width - 1));
        const result = await this.#session.forward(group.flatMap(() => ids.slice(from, position + 1)), past, { only: [outputs.logits], at: group.flatMap(() => positions), changes, keep: false });
        await send(result[outputs.logits], count);
      }
    } finally {
      past.release();
    }
  }

  /**
   * Ranks candidates for a blank; the current run is not changed.
   * @param {FillInRequest} request
   * @param {AbortSignal} signal
   * @param {(done: number, all: number) => void} onProgress candidates scored
   * @returns {Promise<Ranked[]>}
   */
  fillIn(request, signal, onProgress) {
    const after = (/** @type {number[]} */ ids) => this.#after(ids, signal);
    const model = { manifest: this.#manifest, session: this.#session, tokenizer: this.#tokenizer, analysis: this.#analysis };
    return rankCandidates(request, { ...model, after, signal, onProgress });
  }

  /**
   * The logits and past after some ids, reusing the cache as far as it matches; the cache is not changed.
   * @param {number[]} ids at least one, prefix included
   * @param {AbortSignal} signal
   * @returns {Promise<{ logits: Float32Array<ArrayBuffer>, past: Past }>} logits [vocab] of the token that follows;
   *   the caller releases the past
   */
  async #after(ids, signal) {
    const { outputs, vocab_size } = this.#manifest;
    const key = conditionsOf(this.#manifest);
    const known = Math.min(this.#cache.common(key, ids), ids.length - 1);
    let logits = new Float32Array(0);
    const past = await this.#asides.read(ids, known, [outputs.logits], signal, (chunk) => {
      logits = chunk[outputs.logits].slice(-vocab_size);
    });
    return { logits, past };
  }
}
