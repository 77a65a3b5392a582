// Starts the two workers, joins them by a channel and notices when one of them dies; main thread.

import * as Comlink from './vendor/comlink.min.js';

/** @import {AnalysisApi, InferenceApi, RunUpdate} from './protocol.js' */

/** A worker is gone: what it was asked will never be answered, and a new engine must be started. */
export class EngineLost extends Error {}

export class Engine {
  #names = ['inference', 'analysis'].map((part) => `${part} ${crypto.randomUUID()}`);
  #workers = this.#names.map((name) => new Worker(new URL(`workers/${name.split(' ')[0]}.worker.js`, import.meta.url), { type: 'module', name }));
  #stopped = new AbortController();
  #onLost;
  /** @type {EngineLost | null} */
  #lost = null;
  /** @type {Set<(error: EngineLost) => void>} */
  #waiting = new Set(); // rejects what has not been answered yet
  /** @type {Comlink.Remote<InferenceApi>} */
  inference = Comlink.wrap(this.#workers[0]);
  /** @type {Comlink.Remote<AnalysisApi>} */
  analysis = Comlink.wrap(this.#workers[1]);

  /**
   * @param {(update: RunUpdate) => void} onUpdate
   * @param {(error: EngineLost) => void} onLost called once, unless the engine was stopped
   */
  constructor(onUpdate, onLost) {
    this.#onLost = onLost;
    for (const worker of this.#workers) {
      worker.onerror = (event) => {
        event.preventDefault();
        this.lose(event.message || 'it could not be loaded');
      };
    }
    const { port1, port2 } = new MessageChannel();
    this.inference.connect(Comlink.transfer(port1, [port1]));
    this.analysis.connect(Comlink.transfer(port2, [port2]));
    this.analysis.subscribe(Comlink.proxy(onUpdate));
    this.#watch(this.inference, this.#names[0]);
    this.#watch(this.analysis, this.#names[1]);
  }

  /**
   * A worker that dies tells nobody, but the lock it holds becomes free.
   * @param {Comlink.Remote<InferenceApi> | Comlink.Remote<AnalysisApi>} api
   * @param {string} name the worker's, and its lock's
   */
  async #watch(api, name) {
    try {
      await this.wait(api.holdLock());
      await navigator.locks.request(name, { signal: this.#stopped.signal }, () => this.lose('it was ended by the browser'));
    } catch {
      // the engine was stopped or is lost already
    }
  }

  /** Gives the engine up. @param {string} why */
  lose(why) {
    if (this.#lost) return;
    this.#lost = new EngineLost(`A part of the page stopped working (${why})`);
    for (const reject of this.#waiting) reject(this.#lost);
    if (!this.#stopped.signal.aborted) this.#onLost(this.#lost);
  }

  /**
   * Waits for a worker's answer, or for the news that it will never come. No race with one lasting promise: that would
   * note every answer for as long as the workers live.
   * @template T @param {Promise<T>} answer @returns {Promise<T>}
   */
  wait(answer) {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  stop() {
    this.#stopped.abort();
    this.lose('it is being restarted');
    for (const worker of this.#workers) worker.terminate();
  }
}

/** A callback that a worker may call. @template {Function} F @param {F} callback @returns {F} */
export const callback = (callback) => /** @type {F} */ (/** @type {unknown} */ (Comlink.proxy(callback)));
