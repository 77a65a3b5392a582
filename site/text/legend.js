// Which numbers the colours show and what each colour means, in the row above the text; main thread.

import { valueOf } from '../frame/mount.js';
import { labelsIn } from '../frame/units.js';
import { colourByOwn } from '../page/choices.js';
import { setColouring } from '../page/colouring.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';

const SAFE = { id: 'cividis', usual: 'hue' }; // the colouring for every kind of colour vision, and the one it replaces
const OWN = 'own '; // begins the menu's names of the user's own metrics

export function legendView() {
  const { colouring } = state.settings.value;
  const menu = state.colourings.value.length ? state.colourings.value : (state.run.value?.stored?.colourings ?? []);
  const chosen = menu.find(({ id }) => id === colouring);
  const own = state.ownColourings.value;
  const ownChosen = own.find(({ name }) => name === state.ownColouring.value);
  const choose = (/** @type {string} */ id) => {
    if (id.startsWith(OWN)) return colourByOwn(id.slice(OWN.length));
    colourByOwn(null);
    setColouring(id).catch(() => {}); // a newer run took its place
  };
  const safe = !ownChosen && colouring === SAFE.id;
  const { shading } = state;
  if (shading.value) return html`<span class="hint shading">${shading.value.title}</span>${legend(shading.value)}`;
  const { words } = state.settings.value;
  return html`
    <select id="colouring" class="quiet" aria-label="Colour by" title=${(ownChosen ?? chosen)?.description ?? ''} ?disabled=${!menu.length} @change=${(/** @type {Event} */ event) => choose(valueOf(event))}>
      ${menu.length ? menu.map(({ id, title, of_words }) => html`<option value=${id} ?disabled=${words && !of_words} .selected=${live(!ownChosen && id === colouring)}>${title}</option>`) : html`<option>Likelihood in this text</option>`}
      ${own.length ? html`<optgroup label="Your own">${own.map(({ name, title }) => html`<option value=${OWN + name} .selected=${live(ownChosen?.name === name)}>${title}</option>`)}</optgroup>` : nothing}
    </select>
    <span class="printed hint">${(ownChosen ?? chosen)?.title}</span>
    ${legend(state.textColours.value)}
    ${menu.some(({ id }) => id === SAFE.id) ? html`<button type="button" class="icon" id="colour-blind" aria-pressed=${safe} aria-label="Colours for every kind of colour vision" title="Colours for every kind of colour vision" @click=${() => choose(safe ? SAFE.usual : SAFE.id)}><span class="eye"></span></button>` : nothing}
  `;
}

/** @param {import('../shared/protocol.js').Colours | null} colours */
function legend(colours) {
  if (!colours) return html`<div class="legend" aria-hidden="true"></div>`;
  const { light, dark, continuous } = colours.legend;
  const labels = labelsIn(colours.legend);
  const at = (/** @type {number} */ i) => `light-dark(${light.background[i]}, ${dark.background[i]})`;
  const key = (/** @type {string} */ label, /** @type {number} */ i) => html`<span><i .style=${`background:${at(i)}`}></i>${label}</span>`;
  const flows = continuous && labels.length > 1;
  return html`<div class="legend" role="group" aria-label="What the colours mean" title=${labels.join(' · ')}>
    ${flows ? html`<span>${labels[0]}</span><span class="ramp" .style=${`background:linear-gradient(to right, ${labels.map((_, i) => at(i)).join(', ')})`}></span><span>${labels.at(-1)}</span>` : labels.map(key)}
  </div>`;
}
