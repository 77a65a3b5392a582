// Keeps the text of the box and its versions for a reload of the same tab, in its sessionStorage only; main thread.

import { untracked } from '../vendor/signals-core.js';
import { DRAFT, VERSIONS } from './keys.js';
import { watch } from './notices.js';
import { isLiteral } from './run_options.js';
import * as state from './state.js';
import { recentVersions, restoreVersions, version } from './versions.js';

const PAUSE = 300; // ms without a change before it is written

/**
 * `read`: whether this text was read, not just typed; `literal`: whether it is still to become a literal version; `newer`: whether the draft is newer than
 * the address; `token`: index of the token that was pinned, or still to be pinned.
 * @typedef {{ text: string, read: boolean, literal: boolean, newer: boolean, token: number | null }} Draft
 */

/** The text that was in the box when this tab was reloaded; null on any other visit. @returns {Draft | null} */
export function restoreDraft() {
  const draft = /** @type {Partial<Record<string, unknown>> | null} */ (keptInTab(DRAFT));
  if (typeof draft?.text !== 'string') return null;
  restoreVersions(keptInTab(VERSIONS));
  const own = version.peek();
  const known = own?.text === draft.text && own.literal; // it is a version already
  const token = Number.isSafeInteger(draft.token) && Number(draft.token) >= 0 ? Number(draft.token) : null;
  return { text: draft.text, read: draft.read === true, literal: draft.literal === true && !known, newer: isReload() || draft.hash === location.hash, token };
}

/** Whether this visit is a reload. Its address may differ from the draft's, since it lags behind the page (address.js). */
function isReload() {
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  return visit?.type === 'reload';
}

/** Keeps the text of the box, and the versions that undo leads to. */
export function keepDraft() {
  keepInTab(DRAFT, () => {
    const run = state.run.value;
    const stopped = run?.done && run.count < run.tokens.ids.length; // not read again automatically
    const read = state.isRead.value && !run?.stored && !stopped;
    return { text: state.text.value, read, literal: isLiteral(), token: state.tokenToPin.value ?? (read ? state.pinned.value : null), hash: location.hash };
  }, (kept) => {
    noteKept('text', kept);
    if (!kept) forgetInTab(DRAFT); // an older text must not come back in its place
  });
  keepInTab(VERSIONS, recentVersions);
}

/**
 * Keeps something for a reload of this tab: soon after the state that it reads has changed, and before the page is left.
 * What was kept before stays if it cannot be: in a private window, or if it is more than the browser's limit.
 * @param {string} key @param {() => object | null} read it as JSON can hold it @param {(kept: boolean) => void} [then]
 */
export function keepInTab(key, read, then = () => {}) {
  let timer = 0;
  const write = () => {
    clearTimeout(timer);
    if (state.removed.value) return;
    const json = JSON.stringify(untracked(read));
    let kept = true;
    try {
      sessionStorage.setItem(key, json);
    } catch {
      kept = false;
    }
    then(kept);
  };
  addEventListener('pagehide', write);
  watch('what a reload keeps', () => {
    read();
    clearTimeout(timer);
    timer = setTimeout(write, PAUSE);
  });
}

/** Removes what was kept, where the browser lets the page. @param {string} key */
export function forgetInTab(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // a private window: nothing was kept
  }
}

/** Notes whether something is kept, for the page to say. @param {'text' | 'code'} what @param {boolean} kept */
export function noteKept(what, kept) {
  if (state.keeps.peek()[what] !== kept) state.keeps.value = { ...state.keeps.peek(), [what]: kept };
}

/** What was kept before this tab was reloaded; null if nothing was. @param {string} key @returns {unknown} */
export function keptInTab(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}
