// The model in onnxruntime-web: one forward pass over some tokens with the KV cache; runs in the inference worker.

import { DecodedWeights } from './decoded_weights.js';
import { runOnce } from './heap.js';
import { neutralInputs } from './intervention_inputs.js';
import { Past } from './kv_cache.js';
import { damaged, ModelError } from '../shared/manifest.js';
import { moduleOf } from './ort_module.js';
import { runtimeFor } from './runtime.js';

/** @import {Device, Manifest} from '../shared/protocol.js' */
/** @import {Arrays, Given} from './heap.js' */
/** @import {Changes} from './intervention_inputs.js' */
/** @import {Runtime} from './runtime.js' */
/** @typedef {import('../vendor/ort/ort.wasm.min.js').InferenceSession} InferenceSession */
/** @typedef {Record<string, Given | { handle: number }>} Feeds */
/** @typedef {{ handle: number, positions: number }} PastTensor [row, kv_head, position, head_size] */

export class ModelSession {
  #module;
  #session;
  #manifest;
  #recent; // names of inputs
  #added; // names of outputs

  /**
   * @param {Runtime} ort
   * @param {Device} device
   * @param {InferenceSession} session
   * @param {Manifest} manifest
   * @param {string | null} fallback why WebGPU was not used, if it was wanted
   */
  constructor(ort, device, session, manifest, fallback) {
    this.#module = moduleOf(device);
    this.#session = session;
    this.#manifest = manifest;
    const { recent, added } = manifest.cache;
    this.#recent = recent.flat();
    this.#added = added.flat();
    this.device = device;
    this.fallback = fallback;
    /** Resolves with the reason when the graphics card is no longer there; null on the processor. @type {Promise<string> | null} */
    this.lost = device === 'webgpu' ? /** @type {any} */ (ort.env.webgpu).device.lost.then((/** @type {{ message: string }} */ { message }) => message) : null;
  }

  /**
   * @param {Manifest} manifest
   * @param {Map<string, Uint8Array<ArrayBuffer>>} files by path; their memory is freed
   * @param {Device} device WebGPU falls back to WebAssembly
   * @returns {Promise<ModelSession>}
   */
  static async create(manifest, files, device) {
    const graph = files.get('page.onnx');
    const weights = files.get('weights.bin');
    const { decode } = manifest;
    if (!graph || !weights || !decode) throw damaged(`models/${manifest.id} has no page.onnx`);
    const decoded = new DecodedWeights(decode, weights);
    const start = async (/** @type {Device} */ on, /** @type {string | null} */ fallback = null) => {
      const ort = await runtimeFor(on);
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: [on === 'webgpu' ? { name: on, forceCpuNodeNames: decode.on_processor ?? [] } : on],
        externalData: [
          { path: 'weights.bin', data: weights },
          { path: decode.file, data: decoded },
        ],
        logSeverityLevel: 3, // errors; it would warn that the unembedding is a graph input, which is intended (export/graph/page_graph.py)
      });
      return checked(new ModelSession(ort, on, session, manifest, fallback), session, manifest);
    };
    try {
      if (device === 'wasm') return await start('wasm');
      return await start('webgpu').catch((error) => {
        if (error instanceof ModelError) throw error;
        return start('wasm', error instanceof Error ? error.message : String(error));
      });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(`${manifest.name} could not be started (${error instanceof Error ? error.message : error}). Close other tabs or choose a smaller model.`);
    } finally {
      decoded.free();
    }
  }

  /** A past of no positions; the caller releases it. */
  emptyPast() {
    return new Past(this.#module, this.#manifest);
  }

  /**
   * One pass over `ids` after `past`, which grows by them. Only the requested outputs are fetched.
   * @param {number[]} ids
   * @param {Past} past
   * @param {{ only?: string[], at?: number[], changes?: Changes, keep?: boolean, arrays?: Arrays }} [how] `only`: these outputs instead of all; `at`:
   *   the ids' positions, if they do not follow the past one after the other; `changes`: inputs in place of those that change
   *   nothing; `keep`: false leaves the past as it is; `arrays`: what the outputs are copied into
   * @returns {Promise<Record<string, Float32Array<ArrayBuffer>>>} by the graph's own names
   */
  async forward(ids, past, { only, at, changes, keep = true, arrays } = {}) {
    const { outputs, kv_heads, head_size } = this.#manifest;
    const { length } = past;
    if (keep) past.reserve(length + ids.length);
    const feeds = this.#feeds([ids], past, Array(length + ids.length).fill(1), at, changes);
    const wanted = only ?? [outputs.logits, ...outputs.attentions, ...outputs.hidden_states, ...(outputs.attention_output ?? []), ...(outputs.mlp_output ?? [])];
    const result = await this.#run(feeds, wanted, keep ? this.#added : [], arrays);
    try {
      const size = kv_heads * head_size * ids.length;
      const wrong = result.kept.findIndex((tensor) => tensor.size !== size);
      if (wrong >= 0) throw new ModelError(`${this.#added[wrong]} has ${result.kept[wrong].size} numbers, not ${size}`);
      if (keep) past.append(result.kept);
      return result.outputs;
    } finally {
      for (const tensor of result.kept) tensor.release();
    }
  }

  /**
   * Logits of several continuations of one past, in one pass; the cache is not kept.
   * @param {number[][]} rows token ids, at least one each; shorter ones are padded on the right
   * @param {Past} past
   * @returns {Promise<Float32Array<ArrayBuffer>>} [row, token, vocab] with token up to the longest row
   */
  async score(rows, past) {
    const { logits } = this.#manifest.outputs;
    const width = Math.max(...rows.map((row) => row.length));
    const padded = rows.map((row) => Array.from({ length: width }, (_, i) => row[i] ?? 0));
    const mask = rows.flatMap((row) => Array.from({ length: past.length + width }, (_, i) => Number(i < past.length + row.length)));
    const older = past.repeated(rows.length);
    try {
      return (await this.#run(this.#feeds(padded, { older, recent: [] }, mask), [logits], [])).outputs[logits];
    } finally {
      for (const tensor of older) tensor.release();
    }
  }

  /**
   * What the graph takes: rows of ids after a past, with what is changed inside the model.
   * @param {number[][]} rows all of one length
   * @param {{ older: PastTensor[], recent: PastTensor[] }} past
   * @param {number[]} mask [row, position] flat
   * @param {number[]} [at] the positions of each row's ids
   * @param {Changes} [changes]
   */
  #feeds(rows, past, mask, at, changes) {
    const { inputs, kv_heads, head_size } = this.#manifest;
    const before = mask.length / rows.length - rows[0].length;
    const int64 = (/** @type {number[]} */ values) => ({ data: BigInt64Array.from(values, BigInt), dims: [rows.length, values.length / rows.length] });
    const empty = { data: new Float32Array(0), dims: [rows.length, kv_heads, 0, head_size] };
    /** @type {Feeds} */
    const feeds = { [inputs.input_ids]: int64(rows.flat()), [inputs.attention_mask]: int64(mask) };
    if (inputs.position_ids) feeds[inputs.position_ids] = int64(rows.flatMap((row) => row.map((_, i) => at?.[i] ?? before + i)));
    const put = (/** @type {string[]} */ names, /** @type {PastTensor[]} */ tensors) =>
      names.forEach((name, i) => (feeds[name] = tensors[i]?.positions ? tensors[i] : empty));
    put(inputs.past.flat(), past.older);
    put(this.#recent, past.recent);
    for (const [name, value] of Object.entries({ ...neutralInputs(this.#manifest, rows[0].length), ...changes })) {
      const own = inputs[/** @type {import('./intervention_inputs.js').InputName} */ (name)];
      if (own) feeds[own] = value;
    }
    return feeds;
  }

  /** @param {Feeds} feeds @param {string[]} wanted @param {string[]} kept @param {Arrays} [arrays] */
  #run(feeds, wanted, kept, arrays) {
    const { sessionId } = /** @type {any} */ (this.#session).handler; // onnxruntime's handle of the session
    return runOnce(this.#module, sessionId, feeds, wanted, kept, arrays);
  }

}

/**
 * @param {ModelSession} made
 * @param {InferenceSession} session
 * @param {Manifest} manifest
 */
function checked(made, session, { outputs }) {
  const missing = [outputs.logits, ...outputs.attentions, ...outputs.hidden_states].filter((name) => !session.outputNames.includes(name));
  if (missing.length) throw damaged(`page.onnx has no output ${missing[0]}`);
  return made;
}
