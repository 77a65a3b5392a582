// The passes by which WebGPU is compared with the processor, run by the worker of either; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { interventionInputs, wholes } from './intervention_inputs.js';
import { adapterName, LIBRARY } from './runtime.js';

/** @import {AnalysisApi, Device, Manifest, TrialPass} from '../shared/protocol.js' */
/** @import {Past} from './kv_cache.js' */
/** @import {ModelSession} from './session.js' */

const TOKENS = 64; // as many as one pass reads
const ROWS = 2; // of every input that may have any number

/**
 * What the outcome of a trial holds for: the model, the library, the adapter with its driver as far as the browser names it, and
 * the browser; null if there is no adapter.
 * @param {Manifest} manifest
 * @returns {Promise<{ key: string, adapter: string } | null>}
 */
export async function trialKey({ sha256 }) {
  const adapter = await adapterName();
  return adapter === null ? null : { key: [sha256, LIBRARY, adapter, navigator.userAgent].join(' | '), adapter };
}

/** Numbers of ordinary size, the same everywhere. @param {number} length */
const wave = (length) => Float32Array.from({ length }, (_, i) => 0.1 * Math.sin(i + 1));

export class DeviceTrial {
  #manifest;
  #session;
  #analysis;
  #ids;

  /**
   * @param {Manifest} manifest
   * @param {ModelSession} session
   * @param {Comlink.Remote<AnalysisApi>} analysis
   */
  constructor(manifest, session, analysis) {
    this.#manifest = manifest;
    this.#session = session;
    this.#analysis = analysis;
    const { reference, vocab_size, context_length } = manifest;
    const spread = Array.from({ length: TOKENS }, (_, i) => (7919 * i + 13) % vocab_size); // for a model built without a reference
    this.#ids = (reference?.ids ?? spread).slice(0, context_length);
  }

  /**
   * Runs one pass and hands every output to the analysis worker.
   * @param {TrialPass} pass
   * @param {Device} device whose outputs these are: the processor's come first
   */
  async run(pass, device) {
    const { logits } = this.#manifest.outputs;
    const middle = Math.floor((5 * this.#ids.length) / 8);
    const past = this.#session.emptyPast();
    try {
      if (pass === 'text') return await this.#send(await this.#forward(this.#ids, past), device);
      await this.#session.forward(this.#ids.slice(0, middle), past, { only: [logits] });
      if (pass === 'changed') await this.#send(await this.#changed(middle, past), device);
      else await this.#give('logits.batch', await this.#session.score([this.#ids.slice(middle, middle + 2), [this.#ids[middle]]], past), device);
    } finally {
      past.release();
    }
  }

  /** Milliseconds of reading the whole text in one pass, with every output that a run needs. */
  async time() {
    const start = performance.now();
    const past = this.#session.emptyPast();
    await this.#session.forward(this.#ids, past).finally(() => past.release());
    return performance.now() - start;
  }

  /** The rest of the text after a past, with every input other than neutral. @param {number} first @param {Past} past */
  #changed(first, past) {
    const { layers, heads, hidden_size, head_size } = this.#manifest;
    const ids = this.#ids.slice(first);
    const last = this.#ids.length - 1;
    const interventions = {
      heads: [{ layer: 0, head: 0, scale: 0 }, { layer: layers - 1, head: heads - 1, scale: 0.5 }],
      cut: [{ query: null, keys: [1], layers: [0], heads: [0] }, { query: last, keys: [2, 3] }],
      add: [{ layer: 0, position: null, vector: [...wave(hidden_size)] }, { layer: layers, position: last, vector: [...wave(hidden_size)] }, { layer: 0, head: 0, position: last, vector: [...wave(head_size)] }],
    };
    const rows = { data: wave(ROWS * hidden_size), dims: [ROWS, hidden_size] };
    const inputs = interventionInputs(interventions, this.#manifest, ids.map((_, i) => first + i), this.#ids.length);
    return this.#forward(ids, past, { ...inputs, lens: rows, direction: rows, target_ids: wholes(ids.slice(0, ROWS)) });
  }

  /**
   * @param {number[]} ids @param {Past} past @param {import('./intervention_inputs.js').Changes} [changes] without: as a run reads them
   * @returns {Promise<Record<string, Float32Array<ArrayBuffer>>>} by names of the page's own (pyscripts/page/device_trial.py)
   */
  async #forward(ids, past, changes) {
    const { outputs } = this.#manifest;
    /** @type {Record<string, string | string[] | undefined>} */
    const asked = { [changes ? 'logits.changed' : 'logits']: outputs.logits, attentions: outputs.attentions, hidden_states: outputs.hidden_states, attention_output: outputs.attention_output, mlp_output: outputs.mlp_output };
    if (changes) Object.assign(asked, { lens_logits: outputs.lens_logits, target_rows: outputs.target_rows, target_constants: outputs.target_constants, direct: outputs.direct });
    const named = Object.entries(asked).flatMap(([kind, given]) => (Array.isArray(given) ? given.map((name, i) => [`${kind}.${i}`, name]) : given ? [[kind, given]] : []));
    const result = await this.#session.forward(ids, past, { only: named.map(([, name]) => name), changes });
    const present = past.older.map((_, i) => [`present.${i}`, past.copyOut(i)]);
    return Object.fromEntries([...named.map(([own, name]) => [own, result[name]]), ...present]);
  }

  /** @param {Record<string, Float32Array<ArrayBuffer>>} outputs @param {Device} device */
  async #send(outputs, device) {
    for (const [name, values] of Object.entries(outputs)) await this.#give(name, values, device);
  }

  /** @param {string} name @param {Float32Array<ArrayBuffer>} values @param {Device} device */
  #give(name, values, device) {
    const given = Comlink.transfer(values, [values.buffer]);
    const keys = this.#ids.length;
    return device === 'wasm' ? this.#analysis.expectOutput(name, given, keys) : this.#analysis.compareOutput(name, given, keys);
  }
}
