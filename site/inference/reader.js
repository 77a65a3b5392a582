// Reads texts and writes on: chunked passes with the KV cache whose outputs go straight to analysis; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { rankCandidates } from './fill_in.js';
import { KvCache } from './kv_cache.js';
import { ModelError } from './manifest.js';

/** @import {AnalysisApi, AnalyzeOptions, AppendedToken, FillInRequest, GenerateOptions, Manifest, Ranked, TokenizedText} from '../protocol.js' */
/** @import {Past} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

const CHUNK = 64; // tokens a forward pass: small enough that colours come as the text is read, large enough to be fast

/** @typedef {Record<string, Float32Array>} Outputs */
/** @typedef {{ cancelled: boolean, reused: number }} Outcome `reused`: positions whose results were still there */

export class Reader {
  #manifest;
  #session;
  #tokenizer;
  #analysis;
  #cache = new KvCache();
  #wanted = -1; // the run that may go on; any other number means: stop
  #first = 0; // positions before the first shown token of the current run
  #analysed = 0; // positions of the cache whose results the analysis worker holds
  /** @type {number | null} */
  #current = null; // the run that is complete and can be asked about

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

  /** Lets this run go on and stops every other after its current pass. @param {number} runId */
  want(runId) {
    this.#wanted = runId;
  }

  /**
   * Reads a text, which may be given as ids.
   * @param {{ runId: number, text: string | number[], options: AnalyzeOptions }} request
   * @param {(tokens: TokenizedText) => void} onTokens
   * @returns {Promise<Outcome>}
   */
  async analyze({ runId, text, options }, onTokens) {
    const started = performance.now();
    const { ids, reused } = await this.#begin(runId, text, options, null, onTokens);
    const timings = { model: 0, total: 0 };
    const cancelled = await this.#read(runId, ids.slice(reused), timings, false);
    if (!cancelled) await this.#finish(runId, timings, started);
    return { cancelled: this.#wanted !== runId, reused };
  }

  /**
   * Writes on after a prompt, which may be given as ids; stops at `maxTokens`, an end token, a stop string or a full context.
   * @param {{ runId: number, prompt: string | number[], options: GenerateOptions }} request
   * @param {(tokens: TokenizedText) => void} onTokens the prompt
   * @returns {Promise<Outcome>}
   */
  async generate({ runId, prompt, options }, onTokens) {
    const started = performance.now();
    const { ids, tokens, reused } = await this.#begin(runId, prompt, options, 'all', onTokens);
    const timings = { model: 0, total: 0, tokens: 0 };
    /** @type {Outputs | null | true} */
    let pending = await this.#read(runId, ids.slice(reused), timings, true);
    if (pending === true) return { cancelled: true, reused };
    let analysed = Promise.resolve();
    const room = this.#manifest.context_length - ids.length;
    const most = Math.min(options.maxTokens ?? 50, room);
    const given = tokens.text.length;
    for (let n = 0; n < most && pending; n++) {
      await analysed; // and what came while the model ran, such as the word to stop
      if (this.#wanted !== runId) break;
      const logits = pending[this.#manifest.outputs.logits].slice(-this.#manifest.vocab_size);
      const id = await this.#analysis.sample(runId, Comlink.transfer(logits, [logits.buffer]));
      const appended = this.#tokenizer.append(tokens, id);
      analysed = this.#send(runId, pending, appended); // Python works on this step while the model runs the next
      analysed.catch(() => {});
      timings.tokens++;
      const before = performance.now();
      pending = await this.#forward([id]);
      timings.model += performance.now() - before;
      if (this.#manifest.eos.includes(id)) break;
      if (options.stop?.some((stop) => stop && tokens.text.slice(given).includes(stop))) break;
    }
    await analysed;
    if (pending) await this.#send(runId, pending, null);
    await this.#finish(runId, timings, started);
    return { cancelled: false, reused };
  }

  /**
   * Runs one position of the current run again, with every layer's residual stream through the lens.
   * @param {number} runId
   * @param {number} token a shown token
   */
  async inspect(runId, token) {
    const { outputs, inputs } = this.#manifest;
    const position = token + this.#first;
    this.#checkCurrent(runId, position);
    const lens = inputs.lens ? (await this.#analysis.lensRows(runId, position)).data : undefined;
    const only = lens && outputs.lens_logits ? [outputs.logits, outputs.lens_logits] : [outputs.logits];
    const past = this.#cache.pastOf(position);
    const result = await this.#session.forward([this.#cache.ids[position]], past, { only, lens: /** @type {Float32Array} */ (lens) });
    for (const each of [past, result.past]) each?.release();
    const logits = result.outputs[outputs.logits];
    const lensLogits = outputs.lens_logits && lens ? result.outputs[outputs.lens_logits] : null;
    await this.#analysis.inspected(runId, position, logits, lensLogits);
  }

  /**
   * Computes one layer's attention of the current run again, for texts whose matrices are too large to keep.
   * @param {number} runId
   * @param {number} layer
   */
  async attention(runId, layer) {
    this.#checkCurrent(runId, 0);
    const name = this.#manifest.outputs.attentions[layer];
    const ids = this.#cache.ids;
    /** @type {Float32Array[]} */
    const parts = [];
    const check = () => {
      if (this.#wanted !== runId) throw new ModelError('This run was replaced by a newer one.');
    };
    const past = await this.#aside(ids, 0, name, check, (part) => parts.push(part));
    past?.release();
    await this.#analysis.holdAttention(runId, layer, Comlink.transfer(parts, parts.map((part) => part.buffer)));
  }

  /**
   * Ranks candidates for a blank; the current run stays as it is.
   * @param {FillInRequest} request
   * @param {(done: number, all: number) => void} onProgress candidates scored
   * @returns {Promise<Ranked[]>}
   */
  fillIn(request, onProgress) {
    const wanted = this.#wanted;
    const check = () => {
      if (this.#wanted !== wanted) throw new ModelError('The ranking was stopped by a newer request.');
    };
    const behind = (/** @type {number[]} */ ids) => this.#behind(ids, check);
    return rankCandidates(request, { manifest: this.#manifest, session: this.#session, tokenizer: this.#tokenizer, analysis: this.#analysis, behind, check, onProgress });
  }

  /**
   * What the model knows behind some ids, from the cache as far as that begins the same; the cache stays as it is.
   * @param {number[]} ids at least one, BOS included
   * @param {() => void} check throws when the work is no longer wanted
   * @returns {Promise<{ logits: Float32Array, past: Past }>} logits [vocab] of the token that follows; the past is the caller's
   */
  async #behind(ids, check) {
    const name = this.#manifest.outputs.logits;
    const known = Math.min(this.#cache.common(ids), ids.length - 1);
    let logits = new Float32Array(0);
    const past = await this.#aside(ids, known, name, check, (found) => (logits = found.slice(-this.#manifest.vocab_size)));
    return { logits, past: /** @type {Past} */ (past) };
  }

  /**
   * Reads ids without touching the cache, whose first `known` positions begin them.
   * @param {number[]} ids
   * @param {number} known
   * @param {string} name the output that is wanted
   * @param {() => void} check throws when the work is no longer wanted
   * @param {(output: Float32Array<ArrayBuffer>) => void} onOutput called with each chunk's
   * @returns {Promise<Past | null>} of all ids; the caller's to release
   */
  async #aside(ids, known, name, check, onOutput) {
    let past = this.#cache.pastOf(known);
    try {
      for (let start = known; start < ids.length; start += CHUNK) {
        check();
        const result = await this.#session.forward(ids.slice(start, start + CHUNK), past, { only: [name] });
        past?.release();
        past = result.past;
        onOutput(result.outputs[name]);
      }
      return past;
    } catch (error) {
      past?.release();
      throw error;
    }
  }

  release() {
    this.#cache.keep(0);
    return this.#session.release();
  }

  /**
   * Tokens of a text, handed to everyone; what the cache already holds of it is kept.
   * @param {number} runId
   * @param {string | number[]} text
   * @param {AnalyzeOptions & GenerateOptions} options
   * @param {'all' | null} prompt whether the text is a prompt to write on from
   * @param {(tokens: TokenizedText) => void} onTokens
   */
  async #begin(runId, text, options, prompt, onTokens) {
    this.#wanted = runId;
    const { prefix, context_length } = this.#manifest;
    const front = options.bos !== false && prefix ? [prefix.id] : [];
    const room = context_length - front.length;
    const tokens = typeof text === 'string' ? this.#tokenizer.encode(text, room) : this.#tokenizer.describe(text.slice(0, room));
    if (!tokens.ids.length && (!prompt || !front.length)) throw new ModelError('There is no text to read: type or paste some first.');
    if (prompt && tokens.total >= room) throw new ModelError(`The prompt fills the whole context of ${context_length} tokens: shorten it to leave room to write.`);
    onTokens(tokens);
    const ids = [...front, ...tokens.ids];
    // A kept row needs the token after it to be the same too, since its statistics are of that token.
    const reused = Math.max(0, Math.min(this.#analysed, this.#cache.common(ids) - 1));
    this.#current = null;
    this.#analysed = 0; // until analysis has agreed
    this.#cache.keep(reused);
    this.#first = front.length;
    const promptLength = prompt ? Math.min(options.given ?? Infinity, tokens.ids.length) : null;
    await this.#analysis.begin(runId, { tokens, options, prefix: front.length > 0, keep: reused, promptLength });
    this.#analysed = reused;
    return { ids, tokens, reused };
  }

  /**
   * Reads ids behind the cache in chunks; while the model runs one chunk, Python works on the one before.
   * @template {boolean} Hold
   * @param {number} runId
   * @param {number[]} ids
   * @param {{ model: number }} timings
   * @param {Hold} hold whether the last chunk's outputs are returned instead of sent
   * @returns {Promise<Hold extends true ? Outputs | true : boolean>} true: cancelled
   */
  async #read(runId, ids, timings, hold) {
    let analysed = Promise.resolve();
    /** @type {any} */
    let result = false;
    for (let start = 0; start < ids.length; start += CHUNK) {
      if (this.#wanted !== runId) {
        await analysed;
        return /** @type {any} */ (true);
      }
      const before = performance.now();
      const outputs = await this.#forward(ids.slice(start, start + CHUNK));
      timings.model += performance.now() - before;
      await analysed; // at most one chunk waits in the analysis worker
      if (hold && start + CHUNK >= ids.length) result = outputs;
      else analysed = this.#send(runId, outputs, null);
      analysed.catch(() => {}); // awaited above or below
    }
    await analysed;
    return result;
  }

  /** @param {number[]} ids */
  async #forward(ids) {
    const { outputs, past } = await this.#session.forward(ids, this.#cache.past);
    this.#cache.extend(ids, past);
    return outputs;
  }

  /** @param {number} runId @param {Outputs} outputs @param {AppendedToken | null} appended */
  async #send(runId, outputs, appended) {
    const names = this.#manifest.outputs;
    const all = (/** @type {string[] | undefined} */ list) => list?.map((name) => outputs[name]) ?? null;
    const logits = outputs[names.logits];
    const chunk = {
      count: logits.length / this.#manifest.vocab_size,
      logits,
      attentions: names.attentions.map((name) => outputs[name]),
      hiddenStates: names.hidden_states.map((name) => outputs[name]),
      attentionOutput: all(names.attention_output),
      mlpOutput: all(names.mlp_output),
    };
    const buffers = Object.values(outputs).map((array) => array.buffer);
    await this.#analysis.extend(runId, Comlink.transfer(chunk, buffers), appended);
    this.#analysed += chunk.count;
  }

  /** @param {number} runId @param {object} timings @param {number} started */
  async #finish(runId, timings, started) {
    await this.#analysis.finish(runId, { ...timings, total: performance.now() - started });
    this.#current = runId;
  }

  /** @param {number} runId @param {number} position */
  #checkCurrent(runId, position) {
    if (this.#current !== runId) throw new ModelError('This run was replaced by a newer one.');
    if (position < 0 || position >= this.#cache.ids.length) throw new ModelError(`The text has no token ${position}.`);
  }
}
