// The page's settings, all kept between visits; main thread.

import { set } from '../page/choices.js';
import { tell } from '../page/notices.js';
import * as state from '../page/state.js';
import { html } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';
import { sentence } from './graphics.js';
import { byId, isChecked, valueOf } from './mount.js';

const THEMES = { system: 'Match system', light: 'Light', dark: 'Dark' };
const DEVICES = { wasm: 'Processor (WebAssembly)', webgpu: 'Graphics card (WebGPU)' };
const FACES = { auto: 'By its kind: prose or code', prose: 'Proportional', code: 'Monospaced' };
const UNITS = { bits: 'Bits', nats: 'Nats' };

/** The graphics card is tested before it is used. */
function chooseDevice() {
  import('../page/device_trial.js').then(({ choose }) => choose(state.settings.value.device)).catch(tell);
}

/** Opens what lessons are written with, above the text. */
function writeLesson() {
  byId('settings').hidePopover();
  import('../lessons/draft.js').then(({ startWriting }) => startWriting()).catch(tell);
}

/** @param {'theme' | 'units' | 'device' | 'face'} name @param {string} title @param {Record<string, string>} options @param {() => void} [then] */
function choice(name, title, options, then) {
  const chosen = state.settings.value[name];
  const onChange = (/** @type {Event} */ event) => {
    set(name, /** @type {any} */ (valueOf(event)));
    then?.();
  };
  return html`<label>${title}
    <select id=${`setting-${name}`} @change=${onChange}>
      ${Object.entries(options).map(([value, text]) => html`<option value=${value} .selected=${live(value === chosen)}>${text}</option>`)}
    </select>
  </label>`;
}

/** @param {'live' | 'whitespace'} name @param {string} id @param {string} title */
const flag = (name, id, title) => html`<label class="check"><input type="checkbox" id=${id} .checked=${live(state.settings.value[name])} @change=${(/** @type {Event} */ event) => set(name, isChecked(event))}> ${title}</label>`;

export function settingsView() {
  return html`
    <button type="button" class="quiet" id="settings-button" popovertarget="settings" aria-label="Settings"><span class="wide">Settings</span><span class="narrow">⚙</span></button>
    <div id="settings" popover class="popover" role="dialog" aria-label="Settings">
      ${flag('live', 'live', 'Read while I type, if it takes less than a second')}
      ${flag('whitespace', 'whitespace', 'Show whitespace')}
      ${choice('face', 'Typeface of the text', FACES)}
      ${choice('theme', 'Theme', THEMES)}
      ${choice('units', 'Surprisal and entropy in', UNITS)}
      ${choice('device', 'Compute device', DEVICES, chooseDevice)}
      <p class="hint" id="graphics-card">${sentence()}</p>
      <p class="hint">These settings are kept in this browser.</p>
      <button type="button" id="write-lesson" @click=${writeLesson}>Write a lesson…</button>
    </div>`;
}
