// One hidden state as a strip of its values, its largest dimensions and the tokens where they are largest; main thread.

import { barsPart } from '../../charts/bars.js';
import { scaleView, short } from '../../charts/legend.js';
import { dark } from '../../charts/theme.js';
import { VectorStrip } from '../../charts/vector_strip.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../token_text.js';
import * as actions from './actions.js';
import { panelView, waiting } from './panel.js';
import { found, inSight, layer, palettes, shownLayer } from './state.js';

/** @param {any} dimensions */
function list(dimensions) {
  return html`<table class="plain neurons">
    <thead><tr><th scope="col">dimension</th><th scope="col">value</th><th scope="col">largest at</th></tr></thead>
    <tbody>${dimensions.top.map((/** @type {any} */ top) => html`<tr><th scope="row">${top.index}</th><td title=${top.value}>${short(top.value)}</td>
      <td>${top.where.map((/** @type {any} */ place) => html`<button type="button" class="place ${place.token === dimensions.token ? 'here' : ''}" title="token ${place.token + 1}: ${place.value}" @click=${() => actions.stepTo(place.token)}><code>${visible(place.text) || '·'}</code></button> `)}</td></tr>`)}
    </tbody></table>`;
}

export function neuronStrip() {
  const strip = new VectorStrip({
    label: 'The values of the hidden state',
    describe: (index) => (found.value.dimensions && index < found.value.dimensions.values.length ? `dimension ${index}: ${found.value.dimensions.values[index]}` : ''),
    resting: 'Point at a cell for its dimension and value.',
  });
  effect(() => {
    dark.value;
    const { dimensions } = found.value;
    if (dimensions && palettes.value && inSight.value.has('dimensions')) strip.draw(dimensions.levels, palettes.value[dimensions.palette]);
  });
  return () => {
    const { dimensions } = found.value;
    const layers = state.model.value?.manifest.layers ?? 0;
    const choose = (/** @type {Event} */ event) => (layer.value = Number(/** @type {HTMLSelectElement} */ (event.target).value));
    return panelView({
      id: 'dimensions',
      title: 'Inside one vector',
      caption: 'Every value of the token’s hidden state after one layer: orange below zero, blue above; the largest are named below.',
      how: 'The colours run from minus to plus the largest value of this vector. For each of the largest dimensions the text is searched for the tokens where it is largest with the same sign.',
      formula: 'h[layer, token, dimension];  largest: by |h|',
      source: 'layers.dimensions',
      body: html`<label class="field">Hidden state <select id="strip-layer" @change=${choose}>${Array.from({ length: layers + 1 }, (_, i) => html`<option value=${i} .selected=${i === shownLayer.value}>${i === 0 ? 'embeddings' : `after layer ${i - 1}${i === layers ? ' (final norm)' : ''}`}</option>`)}</select></label>
        ${strip.element}${dimensions && palettes.value ? html`${scaleView(palettes.value[dimensions.palette], dimensions.stops)}${list(dimensions)}` : waiting()}`,
      parts: () => [strip.part(), barsPart({ caption: '', columns: ['value'], rows: dimensions.top.map((/** @type {any} */ top) => ({ label: `dimension ${top.index}`, bars: [{ value: Math.abs(top.value), text: short(top.value) }] })) })],
    });
  };
}
