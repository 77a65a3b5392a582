// One worker of the page: starts it, notices when it dies or makes no progress, and rejects calls that it will never answer; main thread.

import * as Comlink from '../vendor/comlink.min.js';

/** @import {Progress} from '../shared/protocol.js' */

const LONGEST_START = 30_000; // ms for a worker's first answer
const STALLED = 60_000; // ms without progress after which a start is cancelled

/** A worker has ended: its pending calls will never be answered. */
export class PartLost extends Error {}

/** A file of a worker could not be loaded: it never ran. */
export class NotLoaded extends PartLost {}

/** Whether a worker ended a request before it could answer, since a newer one came (Ended in inference/queue.js). @param {unknown} error */
export const isEnded = (error) => error instanceof Error && error.name === 'Ended';

/** @template {{ holdLock(): Promise<void> }} Api */
export class Part {
  #worker;
  #stopped = new AbortController();
  /** @type {PartLost | null} */
  #lost = null;
  /** @type {Set<(error: PartLost) => void>} */
  #waiting = new Set(); // rejects calls that have not been answered
  /** @type {Comlink.Remote<Api>} */
  api;

  /**
   * @param {URL} script
   * @param {(error: PartLost) => void} onLost called once if the worker crashes or does not respond, not when it is stopped
   */
  constructor(script, onLost) {
    const name = `${script.pathname} ${crypto.randomUUID()}`;
    this.onLost = onLost;
    this.#worker = new Worker(script, { type: 'module', name });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (event.message) this.lose(event.message);
      else this.#lose(new NotLoaded('A part of the page could not be loaded. Check the connection, then try again.'));
    };
    this.api = Comlink.wrap(this.#worker);
    void this.#watch(name);
  }

  /** A worker that crashes sends no message, but the lock it holds is released. @param {string} name the worker's, and its lock's */
  async #watch(name) {
    const silent = setTimeout(() => this.lose('it did not start'), LONGEST_START);
    try {
      await this.wait(this.api.holdLock().finally(() => clearTimeout(silent)));
      await navigator.locks.request(name, { signal: this.#stopped.signal }, () => this.lose('the browser ended it'));
    } catch {
      // it was already stopped or lost, or this browser refuses locks
    }
  }

  /** Ends a worker that has failed. @param {string} why */
  lose(why) {
    this.#lose(new PartLost(`A part of the page stopped working (${why})`));
  }

  /** @param {PartLost} error */
  #lose(error) {
    if (this.#lost) return;
    const { onLost } = this;
    this.#end(error);
    onLost(error);
  }

  /** Ends the worker on purpose. @param {string | PartLost} why the error, or its message, for pending calls */
  stop(why) {
    if (!this.#lost) this.#end(typeof why === 'string' ? new PartLost(why) : why);
  }

  /** @param {PartLost} error */
  #end(error) {
    this.#lost = error;
    this.#stopped.abort();
    this.#worker.terminate();
    this.#worker.onerror = null;
    this.onLost = () => {}; // Comlink keeps the Worker object, which would keep the model's vocabulary through this
    for (const reject of this.#waiting) reject(error);
  }

  /**
   * Waits for the worker's answer; rejects if the worker ends first. Not Promise.race with one long-lived promise, which
   * would retain every answer for the worker's lifetime.
   * @template T @param {Promise<T>} answer @returns {Promise<T>}
   */
  wait(answer) {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}

/** A callback that a worker may call. @template {Function} F @param {F} callback @returns {F} */
export const callback = (callback) => /** @type {F} */ (/** @type {unknown} */ (Comlink.proxy(callback)));

/**
 * Cancels a worker that makes no progress for a minute. Progress has its own message port and may arrive after the answer:
 * anything after `end` is ignored.
 * @param {Part<any>} part @param {string} what @param {(progress: Progress) => void} onProgress
 * @param {Promise<unknown>} [other] what it may have to wait for, which has a patience of its own
 */
export function patience(part, what, onProgress, other) {
  let timer = 0;
  let over = false;
  let step = '';
  let waits = Boolean(other);
  const wait = () => {
    clearTimeout(timer);
    if (over || waits) return;
    timer = setTimeout(() => part.lose(`${what} made no progress for a minute${step && ` after “${step}”`}`), STALLED);
  };
  const alone = () => {
    waits = false;
    wait();
  };
  other?.then(alone, alone);
  wait();
  return {
    onProgress: callback((/** @type {Progress} */ progress) => {
      if (over) return;
      step = progress.stage;
      wait();
      onProgress(progress);
    }),
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** Connects two workers by a message channel. @param {Part<any>} a @param {Part<any>} b */
export function join(a, b) {
  const { port1, port2 } = new MessageChannel();
  a.api.connect(Comlink.transfer(port1, [port1]));
  b.api.connect(Comlink.transfer(port2, [port2]));
}
