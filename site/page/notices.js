// The one notice line: messages to the user, and errors in views, which must never fail a run; main thread.

import * as state from './state.js';
import { effect } from '../vendor/signals-core.js';

export const message = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** Shows a message; null clears it. @param {string | null} text @param {boolean} [error] @param {string} [retry] a model to load again */
export function say(text, error = false, retry) {
  state.notice.value = text === null ? null : { text, error, retry };
}

/** Shows a message after the one that is shown, if one is. @param {string} text @param {boolean} [error] */
export function sayToo(text, error = false) {
  const shown = state.notice.peek();
  say(shown ? `${shown.text} ${text}` : text, error || shown?.error);
}

/** Shows what is about something under way; the result, called when that has ended, removes it, or leaves only the rest of it. @param {string} text @param {string | null} rest */
export function sayMeanwhile(text, rest) {
  say(text);
  const shown = state.notice.value;
  return () => void (state.notice.value === shown && say(rest));
}

/** Shows the error of something the user asked for. @param {unknown} error */
export const tell = (error) => say(message(error), true);

/**
 * An effect whose errors are reported but not thrown: the code that changed the state continues, and the effect runs again
 * at the next change.
 * @param {string} name of the part of the page
 * @param {() => void} work
 */
export function watch(name, work) {
  return effect(() => {
    try {
      work();
    } catch (error) {
      console.error(error);
      queueMicrotask(() => say(`A part of the page (${name}) could not be drawn. The browser console has the details.`, true));
    }
  });
}
