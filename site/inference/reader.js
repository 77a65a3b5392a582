// Reads texts and generates: chunked passes with the KV cache, whose outputs go straight to analysis; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { chunkLength } from '../shared/chunks.js';
import { ModelError } from '../shared/manifest.js';
import { conditionsOf, NO_INTERVENTIONS, strideOf } from '../shared/run_key.js';
import { Carrier } from './carrier.js';
import { interventionInputs } from './intervention_inputs.js';
import { Stopped } from './queue.js';

/** @import {AnalysisApi, AppendedToken, ForwardChunk, Interventions, Manifest, Outcome, RunRequest, TokenizedText} from '../shared/protocol.js' */
/** @import {KvCache} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

/** @typedef {Record<string, Float32Array<ArrayBuffer>>} Outputs */
/** @typedef {{ model: number, total: number, tokens?: number }} Timings milliseconds; tokens: generated ones */

export class Reader {
  #manifest;
  #session;
  #tokenizer;
  #analysis;
  #cache;
  #outputs;
  #carrier = new Carrier();
  #sent = Promise.resolve(); // resolves once Python has taken the latest outputs, and their memory is back
  #due = 0; // when generated tokens are sent next: together they take Python half the time, and they could not be shown earlier
  #analysed = 0; // positions of the cache whose results the analysis worker holds
  /** Of the current run. @type {Interventions} */
  #interventions = {};

  /**
   * @param {Manifest} manifest
   * @param {ModelSession} session
   * @param {TextTokenizer} tokenizer
   * @param {Comlink.Remote<AnalysisApi>} analysis
   * @param {KvCache} cache
   * @param {string[]} [outputs] those of the graph to send; undefined: all
   */
  constructor(manifest, session, tokenizer, analysis, cache, outputs) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#analysis = analysis;
    this.#cache = cache;
    this.#outputs = outputs;
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
    try {
      const { ids, tokens, first, reused, windows } = await this.#begin(request, signal, onTokens);
      /** @type {Timings} */
      const timings = { model: 0, total: 0 };
      const hold = request.kind === 'generate';
      const last = windows
        ? await this.#readWindows(runId, ids, windows, timings, signal)
        : await this.#read(runId, ids.slice(reused), timings, signal, { hold });
      if (request.kind === 'generate' && last) await this.#generate(request, tokens, last, timings, signal);
      if (signal.aborted && !(signal.reason instanceof Stopped && this.#analysed > first)) throw signal.reason;
      await this.#analysis.finish(runId, { ...timings, total: performance.now() - started });
      return { stopped: signal.aborted, reused };
    } finally {
      await this.#sent.catch(() => {}); // or it would count for the next run
      this.#sent = Promise.resolve();
      this.#carrier.clear();
    }
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
    let pending = [outputs]; // not sent yet
    let appended = /** @type {AppendedToken[]} */ ([]); // the tokens drawn from them
    this.#due = 0;
    const flush = async (last = false) => {
      await this.#sent;
      this.#send(runId, pending, { appended, last });
      [pending, appended] = [[], []];
    };
    try {
      for (let n = 0; n < most && !signal.aborted; n++) {
        const logits = pending[pending.length - 1][names.logits].slice(-vocab_size);
        const id = await this.#analysis.sample(runId, Comlink.transfer(logits, [logits.buffer])); // also lets messages in, such as Stop
        appended.push(this.#tokenizer.append(tokens, id));
        timings.tokens++;
        if (performance.now() >= this.#due) await flush(); // Python works on these steps while the model runs the next
        pending.push(await this.#forward([id], timings));
        if (options.stopAtEnd !== false && eos.includes(id)) break;
        if (options.stop?.some((stop) => tokens.text.slice(given).includes(stop))) break;
      }
    } finally {
      if (pending.length) await flush(true); // also if there was no memory for more
    }
    await this.#sent;
  }

  /**
   * Tokenizes a text and announces it; the part that is already in the cache is kept.
   * @param {RunRequest} request
   * @param {AbortSignal} signal
   * @param {(tokens: TokenizedText) => void} onTokens
   */
  async #begin({ runId, kind, input, options, interventions, given }, signal, onTokens) {
    const { context_length } = this.#manifest;
    const onePass = conditionsOf(this.#manifest, options.prefix !== false, interventions);
    const front = onePass.prefix === null ? [] : [onePass.prefix];
    const room = context_length - front.length;
    const generates = kind === 'generate';
    const { literal } = options;
    const asked = generates ? undefined : options.stride;
    const most = asked === undefined ? room : Infinity;
    const tokens = typeof input === 'string'
      ? this.#tokenizer.encode(input, most, { literal })
      : { ...this.#tokenizer.describe(input.slice(0, most)), total: input.length };
    if (!tokens.ids.length && !(generates && front.length)) throw new ModelError('There is no text to read. Type or paste some first.');
    if (kind === 'generate' && options.maxTokens !== 0 && tokens.total >= room) {
      throw new ModelError(`The prompt fills the whole context of ${context_length} tokens. Shorten it to leave room for new ones.`);
    }
    onTokens(tokens);
    const ids = [...front, ...tokens.ids];
    this.#interventions = interventions;
    const conditions = { ...onePass, stride: strideOf(context_length, onePass.prefix, tokens.ids.length, asked) };
    if (conditions.stride !== null && onePass.interventions !== NO_INTERVENTIONS) throw new ModelError('A text that is read in windows cannot have interventions. Remove them, or shorten the text.');
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
   * @param {{ hold?: boolean, only?: string[], ends?: boolean }} how hold: whether the last outputs are returned, not sent; only: these
   *   outputs; ends: whether the run ends with these ids
   * @returns {Promise<Outputs | null>} null: all was sent
   */
  async #read(runId, ids, timings, signal, { hold = false, only, ends = true }) {
    this.#cache.makeRoom(ids.length);
    /** @type {Outputs | null} */
    let held = null;
    for (let start = 0, count; start < ids.length && !signal.aborted; start += count) {
      count = chunkLength(this.#manifest, this.#cache.length, ids.length - start);
      const outputs = await this.#forward(ids.slice(start, start + count), timings, only);
      if (hold && start + count >= ids.length) held = outputs;
      else this.#send(runId, [outputs], { last: ends && start + count >= ids.length });
    }
    await this.#sent;
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
      await this.#read(runId, ids.slice(start, stop), timings, signal, { only: [this.#manifest.outputs.logits], ends: stop === ids.length });
    }
    return null;
  }

  /** @param {number[]} ids @param {Timings} timings @param {string[]} [only] */
  async #forward(ids, timings, only = this.#outputs) {
    const started = performance.now();
    let waited = 0;
    const arrays = async (/** @type {number[]} */ lengths) => {
      const ready = performance.now();
      await this.#sent; // so that its memory can be used again
      waited = performance.now() - ready;
      return this.#carrier.load(lengths);
    };
    const before = this.#cache.length;
    const changes = interventionInputs(this.#interventions, this.#manifest, ids.map((_, i) => before + i), before + ids.length);
    const outputs = await this.#session.forward(ids, this.#cache.past, { only, changes, arrays });
    timings.model += performance.now() - started - waited;
    this.#cache.extend(ids);
    return outputs;
  }

  /**
   * Sends the outputs of passes to Python, which has taken them once `#sent` resolves.
   * @param {number} runId
   * @param {Outputs[]} passes one after the other
   * @param {{ appended?: AppendedToken[], last: boolean }} how the tokens drawn from them; whether nothing follows
   */
  #send(runId, passes, { appended = [], last }) {
    const chunks = passes.map((outputs) => this.#chunk(outputs));
    this.#due = Infinity;
    this.#sent = this.#analysis.extend(runId, Comlink.transfer(chunks, chunks.map(({ logits }) => logits.buffer)), appended, last).then(({ buffers, wait }) => {
      this.#due = performance.now() + wait;
      this.#carrier.back(buffers);
      for (const { count } of chunks) this.#analysed += count;
    });
    this.#sent.catch(() => {}); // awaited by what comes next
  }

  /** @param {Outputs} outputs @returns {ForwardChunk} */
  #chunk(outputs) {
    const names = this.#manifest.outputs;
    const logits = outputs[names.logits];
    const together = (/** @type {string[] | undefined} */ list) => {
      if (!list || !(list[0] in outputs)) return null;
      const length = list.reduce((sum, name) => sum + outputs[name].length, 0);
      return new Float32Array(logits.buffer, outputs[list[0]].byteOffset, length); // the carrier has them one after the other
    };
    return {
      count: logits.length / this.#manifest.vocab_size,
      logits,
      attentions: together(names.attentions),
      hiddenStates: together(names.hidden_states),
      attentionOutput: together(names.attention_output),
      mlpOutput: together(names.mlp_output),
    };
  }
}
