// One sentence for the visitor: what went wrong and what to do, or what to know, in live regions that are always there; main thread.

import { load } from '../page/models.js';
import { say } from '../page/notices.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

/** Two regions: screen readers may miss words that arrive together with their region, or with another role for it. */
export function noticeView() {
  const notice = state.notice.value;
  return html`<div role="status">${notice && !notice.error ? messageView(notice) : nothing}</div>
    <div role="alert">${notice?.error ? messageView(notice) : nothing}</div>`;
}

/** @param {NonNullable<typeof state.notice.value>} notice */
const messageView = (notice) =>
  html`<div class="notice ${notice.error ? 'error' : ''}">
    <p>${notice.text}</p>
    ${notice.retry ? html`<button type="button" id="retry" @click=${() => load(/** @type {string} */ (notice.retry)).catch(() => {})}>${notice.button ?? 'Try again'}</button>` : nothing}
    <button type="button" class="quiet" aria-label="Close this message" @click=${() => say(null)}>×</button>
  </div>`;
