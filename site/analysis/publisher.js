// Tells the page what is new of a run, ten times a second at most; runs in the analysis worker.

import { transfer } from '../vendor/comlink.min.js';
import { takeArrays } from './python.js';

/** @import {AppendedToken, RunUpdate} from '../shared/protocol.js' */

const PAUSE = 100; // ms between two updates: the eye sees no more, and drawing a long text takes time from the model

export class Publisher {
  /** @type {(update: RunUpdate) => void | Promise<void>} */
  onUpdate = () => {};
  #read;
  #runId = -1;
  #published = -Infinity; // when the page was last told
  #timer = 0;
  /** @type {AppendedToken[]} */
  #appended = []; // tokens the page has not been told of
  /** @type {unknown} */
  #failure = null; // of an update that a timer made: the run's next step throws it, so that it fails this run and nothing else

  /** @param {(runId: number) => any} read what Python has new: a proxy of pyscripts.browser.Session.update */
  constructor(read) {
    this.#read = read;
  }

  /** @param {number} runId @param {boolean} kept whether results of the run before still hold */
  begin(runId, kept) {
    clearTimeout(this.#timer);
    this.#runId = runId;
    this.#timer = 0;
    this.#appended = [];
    this.#failure = null;
    if (kept) void this.#publish();
  }

  /** @param {number} runId @param {AppendedToken | null} appended */
  extend(runId, appended) {
    this.#check(runId);
    if (appended) this.#appended.push(appended);
    const pause = this.#published + PAUSE - performance.now();
    if (pause <= 0) void this.#publish();
    else this.#timer ||= setTimeout(() => this.#publishLater(), pause);
  }

  /** @param {number} runId */
  async finish(runId) {
    this.#check(runId);
    if (this.#timer) await this.#publish();
  }

  /** @param {number} runId */
  #check(runId) {
    if (this.#failure && runId === this.#runId) throw this.#failure;
  }

  #publishLater() {
    try {
      void this.#publish();
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Not async: an error of Python's is then its caller's. @returns {void | Promise<void>} resolves when the page has taken it in */
  #publish() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const result = this.#read(this.#runId);
    this.#published = performance.now();
    const update = {
      runId: this.#runId,
      first: result.get('first'),
      count: result.get('count'),
      appended: this.#appended,
      arrays: takeArrays(result.get('arrays')),
      colours: JSON.parse(result.get('colours')),
      summary: JSON.parse(result.get('summary')),
    };
    result.destroy();
    this.#appended = [];
    return this.onUpdate(transfer(update, Object.values(update.arrays).map(({ data }) => data.buffer)));
  }
}
