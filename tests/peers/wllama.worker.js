// wllama (llama.cpp in WebAssembly) with SmolLM2 as GGUF, on the processor; driven by tests/bench_peers.py.

import { Wllama } from './npm/@wllama/wllama/esm/index.js';
import { answer } from './answer.js';

const at = (path) => new URL(path, import.meta.url).href;
const nothing = () => {};
const quiet = { debug: nothing, log: nothing, warn: nothing, error: nothing };
const wllama = new Wllama({ default: at('./npm/@wllama/wllama/esm/wasm/wllama.wasm') }, { suppressNativeLog: true, logger: quiet });
const GREEDY = { temperature: 0, top_k: 1 };

answer({
  async load(file, threads) {
    await wllama.loadModelFromUrl(at(`./models/smollm2-${file}.gguf`), { n_threads: threads, n_gpu_layers: 0 });
  },
  /** Milliseconds of reading a prompt, and how many tokens it had: it writes one token, and has no log-probabilities of the prompt. */
  async read(prompt) {
    const start = performance.now();
    const { usage } = await wllama.createCompletion({ prompt, max_tokens: 1, cache_prompt: false, ...GREEDY });
    return { time: performance.now() - start, positions: usage.prompt_tokens };
  },
  /**
   * The most likely token after a prompt, and how many tokens the prompt had; what it shares with the last one is cached. Where
   * that token is a part of a character, wllama 3.13 fails with a RangeError instead of an answer: no token.
   */
  async next(prompt) {
    try {
      const { choices, usage } = await wllama.createCompletion({ prompt, max_tokens: 1, cache_prompt: true, logprobs: 1, ...GREEDY });
      return { top: choices[0].logprobs.content[0].id, positions: usage.prompt_tokens };
    } catch (error) {
      if (String(error?.stack).includes('RangeError')) return { top: null, positions: 0 };
      throw error;
    }
  },
  /** Milliseconds of each token written after a prompt. */
  async write(prompt, count) {
    const times = [];
    const onData = ({ choices }) => void (choices[0]?.text && times.push(performance.now()));
    await wllama.createCompletion({ prompt, max_tokens: count, ignore_eos: true, stream: true, onData, ...GREEDY });
    return { time: (times.at(-1) - times[0]) / (times.length - 1) };
  },
});
