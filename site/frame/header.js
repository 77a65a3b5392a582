// Name, model, and what is going on: loading with bytes of total, ready, running; main thread.

import { giveConsent } from '../page/consent.js';
import { cancelLoading, load } from '../page/models.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';
import { megabytes } from './format.js';
import { valueOf } from './mount.js';
import { settingsView } from './settings.js';

/** @param {import('../shared/protocol.js').Progress} progress */
function progressLine({ stage, loaded, total, rate, left }) {
  const known = loaded !== undefined && total;
  const speed = rate && left ? ` · ${megabytes(rate)}/s · ${Math.ceil(left)} s left` : '';
  return html`<span class="progress">
    <span>${stage}${known ? ` ${(loaded / 1e6).toFixed(0)} of ${megabytes(total)}${speed}` : '…'}</span>
    ${known ? html`<progress aria-label=${stage} max=${total} .value=${loaded}></progress>` : html`<progress aria-label=${stage}></progress>`}
    ${known ? html`<button type="button" class="quiet" id="cancel-loading" @click=${cancelLoading}>Cancel</button>` : nothing}
  </span>`;
}

function statusLine() {
  const { model, python } = state.loading.value;
  if (model || python) return [model, python].map((part) => (part ? progressLine(part) : nothing));
  if (state.consent.value) return html`<span>No model yet</span>`;
  const loaded = state.model.value;
  const lacking = !globalThis.crossOriginIsolated ? 'page not isolated' : !globalThis.SharedArrayBuffer ? 'no shared memory' : null;
  const alone = lacking ? `1 thread (${lacking})` : '1 thread';
  const threads = loaded?.device === 'webgpu' ? ' · WebGPU' : loaded ? ` · ${loaded.threads === 1 ? alone : `${loaded.threads} threads`}` : '';
  const kept = loaded && !loaded.kept ? ' · model not cached: the next visit loads it again' : '';
  const words = { booting: 'Starting…', ready: `Ready${threads}${kept}`, running: state.run.value?.kind === 'generate' ? 'Generating…' : 'Reading…', error: 'Error' };
  return html`<span>${words[state.phase.value]}</span>`;
}

/** Whether all of a model is kept in this browser. @param {string} id */
function isStored(id) {
  const kept = state.stored.value.get(id);
  return kept !== undefined && kept.total > 0 && kept.bytes === kept.total;
}

export function headerView() {
  const models = state.models.value;
  const id = state.model.value?.manifest.id ?? state.consent.value?.id;
  const onChange = (/** @type {Event} */ event) => {
    if (state.consent.value) giveConsent(valueOf(event));
    else load(valueOf(event)).catch(() => {}); // said on the page
  };
  return html`
    <h1>Tokenlight</h1>
    <label class="picker">
      <span>Model</span>
      <select id="model" @change=${onChange} ?disabled=${!models.length}>
        ${models.map((entry) => html`<option value=${entry.id} .selected=${live(entry.id === id)}>${entry.name} · ${entry.weights} · ${megabytes(entry.bytes)}${isStored(entry.id) ? ' · stored' : ''}</option>`)}
      </select>
    </label>
    <div class="status" role="status">${statusLine()}</div>
    ${settingsView()}
  `;
}
