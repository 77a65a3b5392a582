// Passes that users' code in the lab asks for: runs with a cache of their own, whose outputs go to the lab; inference worker.

import { ModelError } from '../shared/manifest.js';
import { conditionsOf } from '../shared/run_key.js';
import { Asides } from './asides.js';
import { KvCache } from './kv_cache.js';
import { Postponed } from './queue.js';
import { Reader } from './reader.js';
import { SidePasses } from './side_passes.js';
import { WholeReadings } from './whole_readings.js';

/** @import {Remote} from '../vendor/comlink.min.js' */
/** @import {AnalysisApi, Manifest, RunKey} from '../shared/protocol.js' */
/** @import {InferenceForLab, LabCalls} from '../shared/lab_protocol.js' */
/** @import {Queue} from './queue.js' */
/** @import {ModelSession} from './session.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

const PATIENCE = 10_000; // ms for the lab to take some outputs: while it is busy, nothing else can use the model

export class LabPasses {
  #manifest;
  #session;
  #tokenizer;
  #lab;

  /** @param {Manifest} manifest @param {ModelSession} session @param {TextTokenizer} tokenizer @param {Remote<LabCalls>} lab */
  constructor(manifest, session, tokenizer, lab) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#lab = lab;
  }

  /** What the lab may call. @param {Queue} queue @returns {InferenceForLab} */
  api(queue) {
    /** @param {(signal: AbortSignal, cache: KvCache) => Promise<unknown>} work */
    const inTurn = async (work) => {
      for (;;) {
        const cache = new KvCache(this.#session);
        try {
          return void (await queue.add('lab', (signal) => work(signal, cache)));
        } catch (error) {
          if (!(error instanceof Postponed)) throw error; // the page's own request goes first
        } finally {
          cache.clear();
        }
      }
    };
    /** A pass beside a run. @param {import('../shared/lab_protocol.js').Ids} request @param {(passes: SidePasses, key: RunKey, signal: AbortSignal, cache: KvCache) => Promise<void>} work */
    const beside = ({ ids, interventions }, work) => inTurn((signal, cache) =>
      work(new SidePasses(this.#manifest, this.#session, this.#tokenizer, answering(this.#lab, signal), cache), { ...conditionsOf(this.#manifest, false, interventions), ids }, signal, cache));
    return {
      run: ({ outputs, ...request }) => inTurn((signal, cache) =>
        new Reader(this.#manifest, this.#session, this.#tokenizer, answering(this.#lab, signal), cache, outputs).run(request, signal, () => {})),
      inspect: (request) => beside(request, (passes, key, signal) => passes.inspect(request.runId, key, key.ids.length - 1, signal)),
      attribute: (request) => beside(request, (passes, key, signal) => passes.attribute(request.runId, key, key.ids.length - 1, request.targets, signal)),
      runVariants: (request) => beside(request, (passes, key, signal) => passes.runVariants(request.runId, key, request.batch, signal)),
      readHeads: (request) => beside(request, (_, key, signal, cache) =>
        new WholeReadings(this.#manifest, this.#tokenizer, answering(this.#lab, signal), new Asides(this.#manifest, this.#session, cache)).readHeads(request.runId, key, request, signal)),
    };
  }
}

/**
 * The lab, whose answers are not waited for once a request has ended, or for long: the code there may be in an endless loop.
 * @param {Remote<LabCalls>} lab @param {AbortSignal} signal @returns {Remote<AnalysisApi>} as far as what is above calls it
 */
function answering(lab, signal) {
  const names = /** @type {const} */ (['begin', 'sample', 'extend', 'finish', 'lensRows', 'inspected', 'attributed', 'variantsRead', 'addHeadAttention', 'headValues']);
  const within = (/** @type {Promise<unknown>} */ answer) => {
    let timer = 0;
    const over = new AbortController();
    const ended = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
      timer = setTimeout(() => reject(new ModelError('The code was too busy to take what the model computed.')), PATIENCE);
    });
    return Promise.race([answer, ended]).finally(() => {
      clearTimeout(timer);
      over.abort();
    });
  };
  return /** @type {any} */ (Object.fromEntries(names.map((name) => [name, (/** @type {any[]} */ ...args) => within(/** @type {any} */ (lab)[name](...args))])));
}
