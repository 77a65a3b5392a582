// Reads texts and generates: chunked passes with the KV cache whose outputs go straight to analysis; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { ModelError } from '../shared/manifest.js';
import { NO_INTERVENTIONS, strideOf } from '../shared/run_key.js';
import { chunkLength } from './chunks.js';
import { rankCandidates } from './fill_in.js';
import { KvCache } from './kv_cache.js';
import { Stopped } from './queue.js';

/** @import {AnalysisApi, AppendedToken, FillInRequest, Manifest, Outcome, Ranked, RunConditions, RunKey, RunRequest, TokenizedText} from '../shared/protocol.js' */
/** @import {Past} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

/** @typedef {Record<string, Float32Array<ArrayBuffer>>} Outputs */
/** @typedef {{ model: number, total: number, tokens?: number }} Timings milliseconds; tokens: generated ones */

export class Reader {
  #manifest;
  #session;
  #tokenizer;
  #analysis;
  #cache = new KvCache();
  #analysed = 0; // positions of the cache whose results the analysis worker holds

  /**
   * @param {Manifest} manifest
   * @param {ModelSession} session
   * @param {TextTokenizer} tokenizer
   * @param {Comlink.Remote<AnalysisApi>} analysis
   */
  constructor(manifest, session, tokenizer, analysis) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#analysis = analysis;
  }

  /**
   * One run: reads a text or prompt and, for a generation, continues it until `maxTokens`, an end token, a stop
   * string or a full context.
   * @param {RunRequest} request
   * @param {AbortSignal} signal after Stop, what was read until then is a complete run
   * @param {(tokens: TokenizedText) => void} onTokens
   * @returns {Promise<Outcome>}
   */
  async run(request, signal, onTokens) {
    const { runId } = request;
    const started = performance.now();
    const { ids, tokens, first, reused, windows } = await this.#begin(request, signal, onTokens);
    /** @type {Timings} */
    const timings = { model: 0, total: 0 };
    const hold = request.kind === 'generate';
    const last = windows ? await this.#readWindows(runId, ids, windows, timings, signal) : await this.#read(runId, ids.slice(reused), timings, signal, { hold });
    if (request.kind === 'generate' && last) await this.#generate(request, tokens, last, timings, signal);
    if (signal.aborted && !(signal.reason instanceof Stopped && this.#analysed > first)) throw signal.reason;
    await this.#analysis.finish(runId, { ...timings, total: performance.now() - started });
    return { stopped: signal.aborted, reused };
  }

  /**
   * @param {import('../shared/protocol.js').GenerateRequest} request
   * @param {TokenizedText} tokens grows
   * @param {Outputs} outputs of the prompt's last chunk
   * @param {Timings} timings
   * @param {AbortSignal} signal
   */
  async #generate({ runId, options }, tokens, outputs, timings, signal) {
    const { context_length, vocab_size, eos, outputs: names } = this.#manifest;
    const room = context_length - this.#cache.length;
    const most = Math.min(options.maxTokens ?? 50, room);
    const given = tokens.text.length;
    timings.tokens = 0;
    let pending = outputs;
    let analysed = Promise.resolve();
    for (let n = 0; n < most; n++) {
      await analysed; // also lets messages in, such as Stop
      if (signal.aborted) break;
      const logits = pending[names.logits].slice(-vocab_size);
      const id = await this.#analysis.sample(runId, Comlink.transfer(logits, [logits.buffer]));
      const appended = this.#tokenizer.append(tokens, id);
      analysed = this.#send(runId, pending, appended); // Python works on this step while the model runs the next
      analysed.catch(() => {});
      timings.tokens++;
      const before = performance.now();
      pending = await this.#forward([id]);
      timings.model += performance.now() - before;
      if (options.stopAtEnd !== false && eos.includes(id)) break;
      if (options.stop?.some((stop) => tokens.text.slice(given).includes(stop))) break;
    }
    await analysed;
    await this.#send(runId, pending, null);
  }

  /**
   * Runs one position of a run again, with every layer's residual stream through the lens.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {number} position counts the prefix token
   * @param {AbortSignal} signal
   */
  async inspect(runId, key, position, signal) {
    const { outputs, inputs } = this.#manifest;
    const ids = this.#idsOf(key, position);
    const lens = inputs.lens ? (await this.#analysis.lensRows(runId, position)).data : undefined;
    const only = lens && outputs.lens_logits ? [outputs.logits, outputs.lens_logits] : [outputs.logits];
    const known = Math.min(this.#cache.common(key, ids), position);
    const past = await this.#aside(ids.slice(0, position), known, [outputs.logits], signal, () => {});
    try {
      const result = await this.#session.forward([ids[position]], past, { only, lens: /** @type {Float32Array} */ (lens) });
      result.past.release();
      const lensLogits = outputs.lens_logits && lens ? result.outputs[outputs.lens_logits] : null;
      await this.#analysis.inspected(runId, position, result.outputs[outputs.logits], lensLogits);
    } finally {
      past?.release();
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
    await this.#analysis.beginAttention(runId, layers);
    const past = await this.#aside(this.#idsOf(key, 0), 0, names, signal, (outputs, count) => {
      const parts = names.map((name) => outputs[name]);
      return this.#analysis.addAttention(runId, count, Comlink.transfer(parts, parts.map(({ buffer }) => buffer)));
    });
    past?.release();
    await this.#analysis.finishAttention(runId);
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
    return rankCandidates(request, { manifest: this.#manifest, session: this.#session, tokenizer: this.#tokenizer, analysis: this.#analysis, after, signal, onProgress });
  }

  /**
   * The logits and past after some ids, reusing the cache as far as it matches; the cache is not changed.
   * @param {number[]} ids at least one, prefix included
   * @param {AbortSignal} signal
   * @returns {Promise<{ logits: Float32Array<ArrayBuffer>, past: Past }>} logits [vocab] of the token that follows; the caller releases the past
   */
  async #after(ids, signal) {
    const { outputs, vocab_size } = this.#manifest;
    const key = this.#conditions(Boolean(this.#manifest.prefix));
    const known = Math.min(this.#cache.common(key, ids), ids.length - 1);
    let logits = new Float32Array(0);
    const past = await this.#aside(ids, known, [outputs.logits], signal, (found) => void (logits = found[outputs.logits].slice(-vocab_size)));
    return { logits, past: /** @type {Past} */ (past) };
  }

  /**
   * Reads ids without changing the cache, whose first `known` positions are the same.
   * @param {number[]} ids
   * @param {number} known
   * @param {string[]} only the outputs to return
   * @param {AbortSignal} signal
   * @param {(outputs: Outputs, count: number) => void | Promise<void>} onOutputs called with each chunk's
   * @returns {Promise<Past | null>} of all ids; the caller releases it
   */
  async #aside(ids, known, only, signal, onOutputs) {
    let past = this.#cache.pastOf(known);
    try {
      for (let start = known, count; start < ids.length; start += count) {
        signal.throwIfAborted();
        count = chunkLength(this.#manifest, start, ids.length - start);
        const result = await this.#session.forward(ids.slice(start, start + count), past, { only });
        past?.release();
        past = result.past;
        await onOutputs(result.outputs, count);
      }
      return past;
    } catch (error) {
      past?.release();
      throw error;
    }
  }

  /** Of a text that is read in one pass. @param {boolean} prefix whether the model's prefix token comes first @returns {RunConditions} */
  #conditions(prefix) {
    const { sha256, prefix: token } = this.#manifest;
    return { model: sha256, prefix: prefix && token ? token.id : null, interventions: NO_INTERVENTIONS, stride: null };
  }

  /** The ids of a run that this model has read, prefix included. @param {RunKey} key @param {number} position that is requested */
  #idsOf(key, position) {
    if (key.model !== this.#manifest.sha256) throw new ModelError('This text was read with another model. Run it again.');
    const ids = key.prefix === null ? key.ids : [key.prefix, ...key.ids];
    if (position < 0 || position >= ids.length) throw new ModelError(`The text has no position ${position}.`);
    return ids;
  }

  /**
   * Tokenizes a text and announces it; the part that is already in the cache is kept.
   * @param {RunRequest} request
   * @param {AbortSignal} signal
   * @param {(tokens: TokenizedText) => void} onTokens
   */
  async #begin({ runId, kind, input, options, given }, signal, onTokens) {
    const { context_length } = this.#manifest;
    const onePass = this.#conditions(options.prefix !== false);
    const front = onePass.prefix === null ? [] : [onePass.prefix];
    const room = context_length - front.length;
    const generates = kind === 'generate';
    const { literal } = options;
    const asked = generates ? undefined : options.stride;
    const most = asked === undefined ? room : Infinity;
    const tokens = typeof input === 'string' ? this.#tokenizer.encode(input, most, { literal }) : { ...this.#tokenizer.describe(input.slice(0, most)), total: input.length };
    if (!tokens.ids.length && !(generates && front.length)) throw new ModelError('There is no text to read. Type or paste some first.');
    if (kind === 'generate' && options.maxTokens !== 0 && tokens.total >= room) throw new ModelError(`The prompt fills the whole context of ${context_length} tokens. Shorten it to leave room for new ones.`);
    onTokens(tokens);
    const ids = [...front, ...tokens.ids];
    const conditions = { ...onePass, stride: strideOf(context_length, onePass.prefix, tokens.ids.length, asked) };
    // A kept row needs the token after it to be the same too, since its statistics are of that token. Of a text read in
    // windows the cache holds the last one only.
    const reused = conditions.stride === null ? Math.max(0, Math.min(this.#analysed, this.#cache.common(conditions, ids) - 1)) : 0;
    this.#analysed = 0; // until the analysis worker has begun the run
    this.#cache.keep(reused, conditions);
    const promptLength = generates ? Math.min(given ?? Infinity, tokens.ids.length) : null;
    const windows = await this.#analysis.begin(runId, { tokens, options, conditions, keep: reused, promptLength });
    this.#analysed = reused;
    return { ids, tokens, first: front.length, reused, windows };
  }

  /**
   * Reads ids after the cache in chunks; while the model runs one chunk, Python works on the one before.
   * @param {number} runId
   * @param {number[]} ids
   * @param {Timings} timings
   * @param {AbortSignal} signal
   * @param {{ hold?: boolean, only?: string[] }} how hold: whether the last outputs are returned, not sent; only: these outputs
   * @returns {Promise<Outputs | null>} null: all was sent
   */
  async #read(runId, ids, timings, signal, { hold = false, only }) {
    let analysed = Promise.resolve();
    /** @type {Outputs | null} */
    let held = null;
    for (let start = 0, count; start < ids.length && !signal.aborted; start += count) {
      const before = performance.now();
      count = chunkLength(this.#manifest, this.#cache.length, ids.length - start);
      const outputs = await this.#forward(ids.slice(start, start + count), only);
      timings.model += performance.now() - before;
      await analysed; // at most one chunk waits in the analysis worker
      if (hold && start + count >= ids.length) held = outputs;
      else analysed = this.#send(runId, outputs, null);
      analysed.catch(() => {}); // awaited above or below
    }
    await analysed;
    return held;
  }

  /**
   * Reads a text that is longer than the context in windows, each with an empty cache; Python knows what each one scores.
   * @param {number} runId @param {number[]} ids @param {[number, number][]} windows start and stop by position
   * @param {Timings} timings @param {AbortSignal} signal
   */
  async #readWindows(runId, ids, windows, timings, signal) {
    for (const [start, stop] of windows) {
      this.#cache.clear();
      await this.#read(runId, ids.slice(start, stop), timings, signal, { only: [this.#manifest.outputs.logits] });
    }
    return null;
  }

  /** @param {number[]} ids @param {string[]} [only] */
  async #forward(ids, only) {
    const { outputs, past } = await this.#session.forward(ids, this.#cache.past, { only });
    this.#cache.extend(ids, past);
    return outputs;
  }

  /** @param {number} runId @param {Outputs} outputs @param {AppendedToken | null} appended */
  async #send(runId, outputs, appended) {
    const names = this.#manifest.outputs;
    const all = (/** @type {string[] | undefined} */ list) => (list && list[0] in outputs ? list.map((name) => outputs[name]) : null);
    const logits = outputs[names.logits];
    const chunk = {
      count: logits.length / this.#manifest.vocab_size,
      logits,
      attentions: all(names.attentions) ?? [],
      hiddenStates: all(names.hidden_states) ?? [],
      attentionOutput: all(names.attention_output),
      mlpOutput: all(names.mlp_output),
    };
    const buffers = Object.values(outputs).map((array) => array.buffer);
    await this.#analysis.extend(runId, Comlink.transfer(chunk, buffers), appended);
    this.#analysed += chunk.count;
  }
}
