// One hidden state as a strip of its values, its largest dimensions and the tokens where they are largest; main thread.

import { barsPart } from '../../charts/bars.js';
import { scaleView, short } from '../../charts/legend.js';
import { VectorStrip } from '../../charts/vector_strip.js';
import { valueOf } from '../../frame/mount.js';
import { stepTo } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';

/** @import {Views} from '../../shared/protocol.js' */

/** The hidden state that is shown (0: embeddings), and the one that was chosen; null: the middle one. */
const chosen = signal(/** @type {number | null} */ (null));
const layer = computed(() => {
  const layers = state.run.value?.model.layers ?? 0;
  return Math.min(chosen.value ?? Math.floor(layers / 2), layers);
});

/** @param {Views['dimensions']['answer']['json']} dimensions */
const list = ({ top, token }) => html`<table class="plain dimensions">
  <thead><tr><th scope="col">dimension</th><th scope="col">value</th><th scope="col">largest at</th></tr></thead>
  <tbody>${top.map(({ index, value, where }) => html`<tr><th scope="row">${index}</th><td title=${value}>${short(value)}</td>
    <td>${where.map((place) => html`<button type="button" class="place ${place.token === token ? 'here' : ''}" title="token ${place.token + 1}: ${place.value}" @click=${() => stepTo(place.token)}><code>${visible(place.text) || '·'}</code></button> `)}</td></tr>`)}
  </tbody></table>`;

function layerChoice() {
  const layers = state.run.value?.model.layers ?? 0;
  return html`<label class="field">Hidden state <select id="strip-layer" @change=${(/** @type {Event} */ event) => (chosen.value = Number(valueOf(event)))}>${Array.from({ length: layers + 1 }, (_, i) => html`<option value=${i} .selected=${i === layer.value}>${i === 0 ? 'embeddings' : `after layer ${i - 1}${i === layers ? ' (final norm)' : ''}`}</option>`)}</select></label>`;
}

export const dimensions = panel({
  id: 'dimensions',
  view: 'dimensions',
  needs: 'token',
  args: (_, token) => ({ token, layer: layer.value }),
  title: 'Hidden state',
  caption: 'Every value of the token’s hidden state after one layer: orange below zero, blue above; the largest are listed.',
  how: 'The colours run from minus to plus the largest value of this vector. For each of its largest dimensions the text is searched for the tokens where that dimension is largest with the same sign.',
  formula: 'h[layer, token, dimension];  largest: by |h|',
  source: 'layers.dimensions',
  canvas: (answer) =>
    new VectorStrip({
      label: 'The values of the hidden state',
      describe: (index) => {
        const values = answer.value?.arrays.values.data;
        return values && index < values.length ? `dimension ${index}: ${values[index]}` : '';
      },
      resting: 'Point at a cell for its dimension and value.',
    }),
  draw(strip, answer) {
    if (answer) strip.draw(answer.arrays.levels.data, /** @type {any} */ (state.palettes.value)[answer.json.palette]);
  },
  body: (answer, strip) => html`${layerChoice()}${strip.element}${answer && state.palettes.value ? html`${scaleView(state.palettes.value[answer.json.palette], answer.json.stops)}${list(answer.json)}` : waiting()}`,
  parts: ({ json }, strip) => [strip.part(), barsPart({ caption: '', columns: ['value'], rows: json.top.map(({ index, value }) => ({ label: `dimension ${index}`, bars: [{ value: Math.abs(value), text: short(value) }] })) })],
});
