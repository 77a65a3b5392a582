// Keeps the text of the box for a reload of the same tab, in its sessionStorage only; main thread.

import { isLiteral } from './edits.js';
import { watch } from './notices.js';
import * as state from './state.js';

const KEY = `tokenlight draft ${new URL('..', import.meta.url).pathname}`; // sites of one owner share an origin
const PAUSE = 300; // ms without a change before the text is written

/**
 * `read`: whether this text had been read, not just typed; `literal`: see Version; `reloaded`: whether the address is
 * unchanged, so that the draft is newer than a text in the address.
 * @typedef {{ text: string, read: boolean, literal: boolean, reloaded: boolean }} Draft
 */

/** The text that was in the box when this tab was reloaded; null on any other visit. @returns {Draft | null} */
export function restoreDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return typeof draft?.text === 'string' ? { text: draft.text, read: draft.read === true, literal: draft.literal === true, reloaded: draft.hash === location.hash } : null;
  } catch {
    return null;
  }
}

/** Saves the text of the box on every change, and before the page is left or reloaded. */
export function keepDraft() {
  let timer = 0;
  const write = () => {
    clearTimeout(timer);
    if (state.removed.value) return;
    const { value: text } = state.text;
    const draft = { text, read: state.run.value?.tokens.text === text && !state.run.value.stored, literal: isLiteral(), hash: location.hash };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(draft));
    } catch {
      // a private window, or a text above the browser's limit: it is kept only while the page is open
    }
  };
  addEventListener('pagehide', write);
  watch('draft', () => {
    state.text.value;
    state.run.value?.tokens;
    clearTimeout(timer);
    timer = setTimeout(write, PAUSE);
  });
}
