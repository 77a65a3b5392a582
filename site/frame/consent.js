// Asks before downloading a model, and states its size; main thread.

import { giveConsent } from '../page/consent.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { megabytes } from './format.js';

export function consentView() {
  const entry = state.consent.value;
  if (!entry) return nothing;
  return html`<div class="notice consent">
    <p>This is a stored example. To read your own text, download ${entry.name} once: <strong>${megabytes(entry.bytes)}</strong>. The model stays in this browser, and your text never leaves it.</p>
    <button type="button" id="consent" class="primary" @click=${() => giveConsent()}>Download the model</button>
  </div>`;
}
