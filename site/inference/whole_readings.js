// Reads whole texts for views that compare a run with them, or need the outputs of their heads; inference worker.

import * as Comlink from '../vendor/comlink.min.js';
import { ModelError } from '../shared/manifest.js';
import { joined } from './asides.js';

/** @import {AnalysisApi, HeadsRequest, ListRequest, Manifest, RunKey} from '../shared/protocol.js' */
/** @import {Asides} from './asides.js' */
/** @import {TextTokenizer} from './tokenizer.js' */

export class WholeReadings {
  #manifest;
  #tokenizer;
  #analysis;
  #asides;

  /** @param {Manifest} manifest @param {TextTokenizer} tokenizer @param {Comlink.Remote<AnalysisApi>} analysis @param {Asides} asides */
  constructor(manifest, tokenizer, analysis, asides) {
    this.#manifest = manifest;
    this.#tokenizer = tokenizer;
    this.#analysis = analysis;
    this.#asides = asides;
  }

  /**
   * Reads a run's text with the unchanged model; the logits go to the analysis worker.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {AbortSignal} signal
   */
  async readUntouched(runId, key, signal) {
    const { logits } = this.#manifest.outputs;
    const past = await this.#asides.read(this.#asides.idsOf(key, 0), 0, [logits], signal, (chunk) => {
      const rows = chunk[logits];
      return this.#analysis.readUntouched(runId, Comlink.transfer(rows, [rows.buffer]));
    });
    past.release();
  }

  /**
   * Reads a text for the outputs of its heads: attention and values go to the analysis worker.
   * @param {number} runId the analysis worker's run
   * @param {RunKey} key
   * @param {HeadsRequest} request
   * @param {AbortSignal} signal
   */
  async readHeads(runId, key, { of, ids, interventions }, signal) {
    const { attentions } = this.#manifest.outputs;
    this.#asides.idsOf(key, 0); // the run is of this model
    let first = 0;
    const past = await this.#asides.read(ids, 0, attentions, signal, async (outputs, count) => {
      const parts = attentions.map((name) => outputs[name]);
      await this.#analysis.addHeadAttention(runId, of, first, count, Comlink.transfer(parts, parts.map(({ buffer }) => buffer)));
      first += count;
    }, { interventions });
    const values = Array.from({ length: this.#manifest.layers }, (_, layer) => past.copyOut(2 * layer + 1)); // keys and values alternate
    past.release();
    await this.#analysis.headValues(runId, of, Comlink.transfer(values, values.map(({ buffer }) => buffer)));
  }

  /**
   * Reads the texts of two lists with the unchanged model, for the mean over each of what enters a layer; it goes to the analysis worker.
   * @param {number} runId the analysis worker's run
   * @param {ListRequest} request
   * @param {AbortSignal} signal
   */
  async readLists(runId, { lists, layer, mean }, signal) {
    const { prefix, outputs, context_length, hidden_size } = this.#manifest;
    const name = outputs.hidden_states[layer];
    const front = prefix ? [prefix.id] : [];
    await this.#analysis.beginLists(runId, layer, mean);
    for (const [side, texts] of lists.entries()) {
      for (const text of texts) {
        /** @type {Float32Array[]} */
        const parts = [];
        const { ids } = this.#tokenizer.encode(text, context_length - front.length);
        if (!ids.length) throw new ModelError(`“${text}” has no tokens. Remove it from the list.`);
        const past = await this.#asides.read([...front, ...ids], 0, [name], signal, (chunk) => void parts.push(chunk[name]));
        past.release();
        const states = joined(parts).slice(front.length * hidden_size);
        await this.#analysis.addListed(runId, side, Comlink.transfer(states, [states.buffer]));
      }
    }
  }
}
