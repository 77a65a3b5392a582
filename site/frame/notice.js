// One sentence for the visitor: what went wrong and what to do, or what to know; main thread.

import { load } from '../page/models.js';
import { say } from '../page/notices.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

export function noticeView() {
  const notice = state.notice.value;
  if (!notice) return nothing;
  return html`<div class="notice ${notice.error ? 'error' : ''}" role=${notice.error ? 'alert' : 'status'}>
    <p>${notice.text}</p>
    ${notice.retry ? html`<button type="button" id="retry" @click=${() => load(/** @type {string} */ (notice.retry)).catch(() => {})}>${notice.button ?? 'Try again'}</button>` : nothing}
    <button type="button" class="quiet" aria-label="Close this message" @click=${() => say(null)}>×</button>
  </div>`;
}
