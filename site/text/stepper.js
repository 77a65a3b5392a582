// ‹ i / N › and a slider that choose the token the lenses show, and whether tokens or words are coloured; main thread.

import { step, stepTo } from '../page/choices.js';
import { setColouring } from '../page/colouring.js';
import * as state from '../page/state.js';
import { count } from '../frame/format.js';
import { valueOf } from '../frame/mount.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';

export function stepperView() {
  const run = state.run.value;
  const token = state.current.value;
  if (!run || token === null) return nothing;
  const { given } = run;
  const following = state.pinned.value === null;
  const last = state.count.value - 1;
  const text = state.nameOfToken(token);
  const running = state.isRunning.value;
  const kinds = [...(given <= last ? [token < given ? 'given' : 'generated'] : []), ...(running && following ? ['following the newest'] : [])];
  return html`
    <div class="steps">
      <button type="button" class="icon" aria-label="Previous token" ?disabled=${token === 0} @click=${() => step(-1)}>‹</button>
      <span class="place"><b>${count(token + 1)}</b> / ${count(last + 1)}</span>
      <button type="button" class="icon" aria-label="Next token" ?disabled=${token === last} @click=${() => step(1)}>›</button>
      <input type="range" id="step" aria-label="Token" min="0" max=${last} .value=${live(String(token))} aria-valuetext=${`${count(token + 1)} of ${count(last + 1)}: ${text}`} @input=${(/** @type {Event} */ event) => stepTo(Number(valueOf(event)))}>
    </div>
    <p class="current"><code translate="no">${text || '·'}</code> <span class="hint">${kinds.join(' · ')}</span>
      ${running && !following ? html`<button type="button" class="small" @click=${() => stepTo(Infinity)}>Follow the newest</button>` : nothing}</p>
    ${unitMenu()}
  `;
}

function unitMenu() {
  const { words } = state.settings.value;
  const waits = !state.colourings.value.length || Boolean(state.run.value?.stored); // for Python
  return html`<select id="unit" class="quiet" aria-label="What is coloured and inspected" ?disabled=${waits} @change=${(/** @type {Event} */ event) => chooseUnit(valueOf(event) === 'words')}>
    <option value="tokens" .selected=${live(!words)}>Tokens</option>
    <option value="words" .selected=${live(words)}>Words</option>
  </select>`;
}

/** Colours tokens or words; words by the first colouring if the chosen one is about single tokens. @param {boolean} words */
function chooseUnit(words) {
  const menu = state.colourings.value;
  const chosen = menu.find(({ id }) => id === state.settings.value.colouring);
  setColouring((words && !chosen?.of_words ? menu[0] : chosen ?? menu[0]).id, words).catch(() => {}); // a newer run took its place
}
