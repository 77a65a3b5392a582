// transformers.js with SmolLM2 as a plain ONNX decoder, in a worker as its users run it; driven by tests/bench_peers.py.

import { AutoModelForCausalLM, BaseStreamer, Tensor, env } from './npm/@huggingface/transformers/dist/transformers.min.js';
import { answer } from './answer.js';

const ORT = new URL('./npm/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify', import.meta.url).href; // its default
env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = new URL('./models/', import.meta.url).href;
env.backends.onnx.wasm.wasmPaths = { mjs: `${ORT}.mjs`, wasm: `${ORT}.wasm` };
let model;

/** Inputs of the model for these token ids. */
function inputsOf(ids) {
  const tensor = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, ids.length]);
  return { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) };
}

/** Log-probability of `next` after this row of logits, and the most likely token. */
function ofRow(row, next) {
  const top = row.reduce((best, value, id) => (value > row[best] ? id : best), 0);
  const sum = row.reduce((total, value) => total + Math.exp(value - row[top]), 0);
  return { top, logprob: row[next] - row[top] - Math.log(sum) };
}

/** When the prompt and each token were there, milliseconds. */
class Times extends BaseStreamer {
  at = [];
  put() {
    this.at.push(performance.now());
  }
  end() {}
}

answer({
  async load(file, threads) {
    env.backends.onnx.wasm.numThreads = threads;
    model = await AutoModelForCausalLM.from_pretrained('smollm2', { dtype: file, device: 'wasm' });
  },
  /** Milliseconds of reading; log-probability of each token after the first, and the most likely token after each. */
  async read(ids) {
    const start = performance.now();
    const { logits, ...caches } = await model(inputsOf(ids));
    const size = logits.dims[2]; // of the vocabulary; logits: [1, position, token]
    const rows = ids.map((_, i) => ofRow(logits.data.subarray(i * size, (i + 1) * size), ids[i + 1]));
    const time = performance.now() - start;
    for (const tensor of [logits, ...Object.values(caches)]) tensor.dispose();
    return { time, logprobs: rows.slice(0, -1).map(({ logprob }) => logprob), top: rows.map(({ top }) => top) };
  },
  /** Milliseconds of each token written after these. */
  async write(ids, count) {
    const streamer = new Times();
    await model.generate({ ...inputsOf(ids), min_new_tokens: count, max_new_tokens: count, do_sample: false, streamer });
    const times = streamer.at.slice(1); // the first is the prompt's
    return { time: (times.at(-1) - times[0]) / (times.length - 1) };
  },
});
