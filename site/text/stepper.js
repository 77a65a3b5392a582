// ‹ i / N ›, a slider and keys that choose the token the layers lens shows; main thread.

import { step, stepTo } from '../page/edits.js';
import * as state from '../page/state.js';
import { valueOf } from '../frame/mount.js';
import { visible } from '../shared/token_text.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';

const KEYS = /** @type {Record<string, () => void>} */ ({
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  Home: () => stepTo(0),
  End: () => stepTo(Infinity),
});

/** Arrow keys step wherever they mean nothing else. */
export function followKeys() {
  document.addEventListener('keydown', (event) => {
    const act = KEYS[event.key];
    if (!act || state.lens.value !== 'layers' || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (/** @type {HTMLElement} */ (event.target).closest('textarea, select, input:not([type="range"]), [role="tab"], [role="listbox"], [popover]')) return;
    event.preventDefault();
    act();
  });
}

export function stepperView() {
  const run = state.run.value;
  const token = state.current.value;
  if (!run || token === null) return nothing;
  const { tokens, given } = run;
  const following = state.pinned.value === null;
  const last = state.count.value - 1;
  const text = visible(tokens.texts[token]);
  return html`
    <div class="row steps">
      <button type="button" aria-label="Previous token" title="←" ?disabled=${token === 0} @click=${() => step(-1)}>‹</button>
      <output class="place">${token + 1} / ${last + 1}</output>
      <button type="button" aria-label="Next token" title="→" ?disabled=${token === last} @click=${() => step(1)}>›</button>
      <input type="range" id="step" aria-label="Token" min="0" max=${last} .value=${live(String(token))} aria-valuetext=${`${token + 1} of ${last + 1}: ${text}`} @input=${(/** @type {Event} */ event) => stepTo(Number(valueOf(event)))}>
    </div>
    <p class="current"><code>${text || '·'}</code> <span class="hint">${token < given ? 'given' : 'generated'}${state.phase.value !== 'running' ? nothing : following ? ' · following the newest' : html` · <button type="button" class="small" @click=${() => stepTo(Infinity)}>follow the newest</button>`}</span></p>
  `;
}
