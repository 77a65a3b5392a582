// Which numbers the colours show, what each colour means, and whether whitespace is marked; main thread.

import { isChecked, valueOf } from '../frame/mount.js';
import { set } from '../page/edits.js';
import { setColouring } from '../page/runs.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';

export function legendView() {
  const { colouring, whitespace } = state.settings.value;
  const menu = state.colourings.value.length ? state.colourings.value : (state.run.value?.stored?.colourings ?? []);
  const chosen = menu.find(({ id }) => id === colouring);
  const onChange = (/** @type {Event} */ event) => setColouring(valueOf(event)).catch(() => {}); // a newer run took its place
  return html`
    <div class="row spread">
      <div class="row">
        <label for="colouring" class="title">Colour</label>
        <select id="colouring" ?disabled=${!menu.length} @change=${onChange}>
          ${menu.length ? menu.map(({ id, title }) => html`<option value=${id} .selected=${live(id === colouring)}>${title}</option>`) : html`<option>Likelihood in this text</option>`}
        </select>
      </div>
      <label class="check"><input type="checkbox" id="whitespace" .checked=${live(whitespace)} @change=${(/** @type {Event} */ event) => set('whitespace', isChecked(event))}> Show whitespace</label>
    </div>
    <p class="hint">${chosen?.description ?? 'Red: unlikely for this text, green: likely.'}</p>
    ${legend()}
  `;
}

function legend() {
  const colours = state.colours.value;
  if (!colours) return html`<div class="legend" aria-hidden="true"></div>`;
  const { labels, light, dark, continuous } = colours.legend;
  const at = (/** @type {number} */ i) => `light-dark(${light.background[i]}, ${dark.background[i]})`;
  const ramp = continuous && labels.length > 1;
  return html`<div class="legend" role="group" aria-label="What the colours mean">
    ${ramp ? html`<span class="ramp" .style=${`background:linear-gradient(to right, ${labels.map((_, i) => at(i)).join(', ')})`}></span>` : nothing}
    <span class=${ramp ? 'ticks' : 'classes'}>${labels.map((label, i) => html`<span>${ramp ? nothing : html`<i .style=${`background:${at(i)}`}></i>`}${label}</span>`)}</span>
  </div>`;
}
