// Sends a run's new results to the page, one update at a time, less often the longer they take to draw; analysis worker.

import { transfer } from '../vendor/comlink.min.js';
import { takeArrays } from './python.js';

/** @import {AppendedToken, RunUpdate} from '../shared/protocol.js' */

const SHORTEST = 100; // ms between two updates: more would not be seen
const LONGEST = 500;
const SHARE = 1 / 8; // of the time: as much as drawing may take, since it slows the model down, unless the pause would exceed LONGEST

export class Publisher {
  /** @type {(update: RunUpdate) => number | Promise<number>} the page's, see protocol.js */
  onUpdate = () => 0;
  #read;
  #runId = -1;
  #processed = -Infinity; // when the page had last processed an update
  #pause = SHORTEST;
  #timer = 0;
  #unprocessed = 0; // updates that the page has not processed yet
  #empty = true; // whether nothing of the run has been read yet
  #unsent = false; // whether there are results that were not sent
  #exact = true; // whether those that were sent need not be sent again when the run ends
  /** @type {AppendedToken[]} */
  #appended = []; // tokens not sent to the page yet
  /** @type {unknown} */
  #failure = null; // an error in a timer's update: the run's next step throws it, so that only this run fails

  /** @param {(runId: number, ended: boolean) => any} read Python's new results: a proxy of pyscripts.page.session.Session.update */
  constructor(read) {
    this.#read = read;
  }

  /** @param {number} runId @param {boolean} kept whether results of the previous run are kept; they are sent with the next ones */
  begin(runId, kept) {
    clearTimeout(this.#timer);
    this.#runId = runId;
    this.#timer = 0;
    this.#empty = !kept;
    this.#unsent = kept;
    this.#exact = true;
    this.#appended = [];
    this.#failure = null;
  }

  /** @param {number} runId @param {AppendedToken[]} appended @param {boolean} last whether the run ends now */
  extend(runId, appended, last) {
    this.#check(runId);
    this.#appended.push(...appended);
    this.#empty = false;
    this.#unsent = true;
    if (last || this.#unprocessed) return; // it is sent by `finish`, or when the page has processed what it has
    if (performance.now() >= this.#processed + this.#pause) void this.#publish();
    else this.#schedule();
  }

  #schedule() {
    this.#timer ||= setTimeout(() => this.#onTimer(), this.#processed + this.#pause - performance.now());
  }

  /** @param {number} runId */
  async finish(runId) {
    this.#check(runId);
    if (this.#unsent || !this.#exact) await this.#publish(true);
  }

  /** Sends what has changed at once, such as the colours. */
  async send() {
    if (!this.#empty) await this.#publish();
  }

  /** How many ms from now results could be sent at once; what arrives earlier waits. */
  get wait() {
    if (this.#unprocessed) return this.#pause * (1 + SHARE);
    return Math.max(0, this.#processed + this.#pause - performance.now());
  }

  /** @param {number} runId */
  #check(runId) {
    if (this.#failure && runId === this.#runId) throw this.#failure;
  }

  #onTimer() {
    try {
      void this.#publish();
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Not async, so that the caller gets Python's errors. @returns {Promise<void>} resolves when the page has processed it */
  #publish(ended = false) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#unsent = false;
    const result = this.#read(this.#runId, ended);
    this.#exact = result.get('exact');
    const update = {
      runId: this.#runId,
      first: result.get('first'),
      count: result.get('count'),
      appended: this.#appended,
      arrays: takeArrays(result.get('arrays')),
      words: /** @type {import('../shared/protocol.js').Words} */ (takeArrays(result.get('words'))),
      colours: JSON.parse(result.get('colours')),
      summary: JSON.parse(result.get('summary')),
    };
    result.destroy();
    this.#appended = [];
    const arrays = [...Object.values(update.arrays), ...Object.values(update.words)];
    this.#unprocessed++;
    const processed = Promise.resolve(this.onUpdate(transfer(update, arrays.map(({ data }) => data.buffer))));
    return processed
      .then((drawing) => void (this.#pause = Math.min(LONGEST, Math.max(SHORTEST, drawing / SHARE))))
      .finally(() => {
        this.#processed = performance.now();
        if (!--this.#unprocessed && this.#unsent) this.#schedule();
      });
  }
}
