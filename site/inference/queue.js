// The one queue of the inference worker: requests are answered one at a time, and can be ended while running or waiting.

/** A request was ended before it could answer; the message can be shown. */
export class Ended extends Error {
  /** @override */
  name = 'Ended';
}

/** Ended for now: its caller starts it again. */
export class Postponed extends Ended {
  constructor() {
    super('The page uses the model.');
  }
}

/** Ended by Stop: what the run has read so far is kept as a complete run. */
export class Stopped extends Ended {}

export class Queue {
  /** Running and waiting; `ended`: why for good. @type {Set<{ group: string, controller: AbortController, ended: Ended | null }>} */
  #requests = new Set();
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * Does `work` when its turn comes.
   * @template T
   * @param {string} group
   * @param {(signal: AbortSignal) => Promise<T>} work checks its signal between passes
   * @returns {Promise<T>} rejects with the signal's reason if it was ended while it waited
   */
  add(group, work) {
    const request = { group, controller: new AbortController(), ended: /** @type {Ended | null} */ (null) };
    const { signal } = request.controller;
    this.#requests.add(request);
    const turn = this.#last
      .then(() => {
        signal.throwIfAborted();
        return work(signal);
      })
      .catch((error) => {
        throw error instanceof Postponed ? (request.ended ?? error) : error;
      })
      .finally(() => this.#requests.delete(request));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Ends all current requests but those just postponed, or those of one group. @param {Ended} reason @param {string} [group] */
  end(reason, group) {
    for (const request of this.#requests) {
      if (group ? request.group !== group : request.controller.signal.reason instanceof Postponed) continue;
      if (!(reason instanceof Postponed)) request.ended ??= reason;
      request.controller.abort(reason);
    }
  }
}
