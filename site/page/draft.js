// Keeps the text of the box for a reload of the same tab, in its sessionStorage only; main thread.

import { isLiteral } from './edits.js';
import { DRAFT } from './keys.js';
import { watch } from './notices.js';
import * as state from './state.js';

const PAUSE = 300; // ms without a change before the text is written

/**
 * `read`: whether this text was shown, not just typed; `literal`: see Version; `newer`: whether the draft is newer than
 * the address; `token`: index of the token that was pinned, or still to be pinned.
 * @typedef {{ text: string, read: boolean, literal: boolean, newer: boolean, token: number | null }} Draft
 */

/** The text that was in the box when this tab was reloaded; null on any other visit. @returns {Draft | null} */
export function restoreDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? 'null');
    if (typeof draft?.text !== 'string') return null;
    const { text, hash } = draft;
    const token = Number.isInteger(draft.token) ? draft.token : null;
    return { text, read: draft.read === true, literal: draft.literal === true, newer: isReload() || hash === location.hash, token };
  } catch {
    return null;
  }
}

/** Whether this visit is a reload. Its address may differ from the draft's, since it lags behind the page (address.js). */
function isReload() {
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  return visit?.type === 'reload';
}

/** Saves the text of the box on every change, and before the page is left or reloaded. */
export function keepDraft() {
  let timer = 0;
  const write = () => {
    clearTimeout(timer);
    if (state.removed.value) return;
    const { value: text } = state.text;
    const read = state.isRead.value && !state.run.value?.stored;
    const draft = { text, read, literal: isLiteral(), token: state.tokenToPin.value ?? (read ? state.pinned.value : null), hash: location.hash };
    try {
      sessionStorage.removeItem(DRAFT); // an older draft must not outlive a text that cannot be stored
      sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    } catch {
      // a private window, or a text above the browser's limit: it is kept only while the page is open
    }
  };
  addEventListener('pagehide', write);
  watch('draft', () => {
    state.text.value;
    state.run.value?.tokens;
    state.pinned.value;
    state.tokenToPin.value;
    clearTimeout(timer);
    timer = setTimeout(write, PAUSE);
  });
}
