// One hidden state: every value, its largest dimensions and the tokens where they peak; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { perLine, vectorScene } from '../../charts/vector.js';
import { count, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { menuView } from '../controls.js';
import { awaited, panel } from '../panel.js';

/** @import {HiddenState, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** The hidden state that is shown (0: embeddings), and the one that was chosen; null: the middle one. */
const chosen = signal(/** @type {number | null} */ (null));
const layer = computed(() => {
  const layers = state.run.value?.model.layers ?? 0;
  return Math.min(chosen.value ?? Math.floor(layers / 2), layers);
});

/** @typedef {Extract<HiddenState, { known: true }>} Known */

/** @param {Views['dimensions']['answer']} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  if (!json.known) return [];
  const { top, stops } = json;
  const palette = state.paletteOf(json.palette);
  const { data } = arrays.values;
  let columns = 1;
  return [
    {
      label: `The ${data.length} values of the hidden state`,
      scene: (width) => {
        columns = perLine(data.length, width);
        return vectorScene({ levels: arrays.levels.data, palette, key: keyOf(stops, short) }, width);
      },
      say: ({ row, column }) => (row * columns + column < data.length ? `dimension ${row * columns + column}: ${short(data[row * columns + column])}` : ''),
    },
    {
      label: `The ${top.length} largest dimensions`,
      scene: (width) => rowsScene({
        labels: top.map(({ index }) => `dim. ${index}`),
        labelRoom: 70,
        rowHeight: 20,
        tracks: [{ kind: 'bars', title: 'largest dimensions', axis: short, series: [{ values: top.map(({ value }) => value), fill: 'accent' }] }],
      }, width),
      say: ({ row }) => {
        const { index, value, where } = top[row];
        return `dimension ${index}: ${short(value)} · largest at ${where.map(({ token }) => `${state.nameOfToken(token)} (token ${count(token + 1)})`).join(', ')}`;
      },
      resting: `${POINT} a bar for the tokens where its dimension peaks.`,
    },
  ];
}

/** @param {Known} dimensions */
const peaks = ({ top, token, among }) => html`${among === null ? nothing : html`<p class="hint">Peaks among the first ${count(among)} tokens: of a text this long, only their hidden states are kept.</p>`}<dl class="peaks">${top.map(({ index, where }) => html`<div><dt>dim. ${index} peaks at</dt>
  <dd>${where.map((place) => html`<button type="button" class="peak ${place.token === token ? 'here' : ''}" title="token ${count(place.token + 1)}: ${short(place.value)}"
    @click=${() => stepTo(place.token)}><code>${state.nameOfToken(place.token)}</code></button> `)}</dd></div>`)}</dl>`;

function layerChoice() {
  const layers = state.run.value?.model.layers ?? 0;
  const name = (/** @type {number} */ i) => (i === 0 ? 'embeddings' : `after layer ${i - 1}${i === layers ? ' (final norm)' : ''}`);
  const states = Array.from({ length: layers + 1 }, (_, i) => /** @type {[number, string]} */ ([i, name(i)]));
  return menuView('Layer of the hidden state', states, layer.value, (value) => (chosen.value = Number(value)));
}

export const dimensions = panel({
  id: 'dimensions',
  view: 'dimensions',
  needs: 'token',
  args: (_, token) => ({ token, layer: layer.value }),
  title: 'Hidden state',
  resting: `${POINT} a value for its dimension.`,
  controls: layerChoice,
  passAt: (_, token, answer) => (answer?.json.known ? null : token),
  charts,
  below: ({ json }) => (json.known ? peaks(json) : html`<p class="hint">${awaited()}</p>`),
});
