// The one notice line: sentences for the visitor, and errors of views, which must never fail a run; main thread.

import * as state from './state.js';
import { effect } from '../vendor/signals-core.js';

export const message = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** Says one sentence; null takes back what was said. @param {string | null} text @param {boolean} [error] @param {string} [retry] a model to load again */
export function say(text, error = false, retry) {
  state.notice.value = text === null ? null : { text, error, retry };
}

/** Says what went wrong in something the visitor asked for. @param {unknown} error */
export const tell = (error) => say(message(error), true);

/**
 * An effect whose errors are reported and end there: whoever changed the state goes on, and the effect runs again at the
 * next change.
 * @param {string} name of what is drawn or followed
 * @param {() => void} work
 */
export function watch(name, work) {
  return effect(() => {
    try {
      work();
    } catch (error) {
      console.error(error);
      queueMicrotask(() => say(`A part of the page (${name}) could not be drawn: ${message(error)}`, true));
    }
  });
}
