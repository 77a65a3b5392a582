// Name, model, and what is going on: loading with bytes of total, ready, running; main thread.

import { linkedInterventions, LONGEST_LINK, makeLink, sharedLink } from '../page/address.js';
import { giveConsent } from '../page/consent.js';
import { cancelLoading, load } from '../page/models.js';
import { say } from '../page/notices.js';
import { isGenerating } from '../page/runs.js';
import * as state from '../page/state.js';
import { isStored } from '../page/storage.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';
import { megabytes } from './format.js';
import { helpView } from './help.js';
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
  const going = model ?? python; // one line: two would push the text down and up again
  if (going) return progressLine(going);
  if (state.consent.value) return html`<span class="said">No model yet</span>`;
  const loaded = state.model.value;
  const lacking = !globalThis.crossOriginIsolated ? 'page not isolated' : !globalThis.SharedArrayBuffer ? 'no shared memory' : null;
  const alone = lacking ? `1 thread (${lacking})` : '1 thread';
  const threads = loaded?.device === 'webgpu' ? ' · WebGPU' : loaded ? ` · ${loaded.threads === 1 ? alone : `${loaded.threads} threads`}` : '';
  const kept = loaded && !loaded.kept ? ' · model not cached: the next visit loads it again' : '';
  const phase = state.phase.value;
  const words = { booting: 'Starting…', ready: `Ready${threads}${kept}`, running: isGenerating() ? 'Generating…' : 'Reading…', error: 'Error' };
  return html`<span class=${phase === 'error' || phase === 'booting' ? 'said' : ''}><i class="dot ${phase}"></i>${words[phase]}</span>`;
}

async function copyLink() {
  if (sharedLink().length > LONGEST_LINK) return say('The text is too long for a link. Save the run as a file (Save, above the text) and send that: Open… shows it.', true);
  const link = makeLink();
  const holds = `Anyone with the link can read the text.${linkedInterventions().whole ? '' : ' Vectors are too long for a link and are left out: save them as files.'}`;
  await navigator.clipboard.writeText(link).then(
    () => say(`Link copied. ${holds}`),
    () => say(link === location.href ? `The link is in the address bar. ${holds}` : `The link could not be copied: ${link}`),
  );
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
    <div class="picker">
      <select id="model" aria-label="Model" @change=${onChange} ?disabled=${!models.length}>
        ${models.map((entry) => html`<option value=${entry.id} .selected=${live(entry.id === id)}>${entry.name} · ${entry.weights} · ${megabytes(entry.bytes)}${isStored(entry.id) ? ' · stored' : ''}</option>`)}
      </select>
    </div>
    ${state.run.value ? html`<span class="printed hint">Read by ${state.run.value.model.name}</span>` : nothing}
    <div class="status">${statusLine()}</div>
    <nav aria-label="Page">
      <button type="button" class="quiet" id="copy-link" ?disabled=${!state.text.value} aria-label="Share" title="Share: copy a link that holds this text" @click=${copyLink}><span class="wide">Share</span><span class="narrow" aria-hidden="true">↗</span></button>
      ${settingsView()}
      ${helpView()}
    </nav>
  `;
}
