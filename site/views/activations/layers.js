// What each layer did: norms and contributions at the token, and the heatmap of layers × tokens; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { Heatmap } from '../../charts/heatmap.js';
import { scaleView, short } from '../../charts/legend.js';
import { dark } from '../../charts/theme.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../token_text.js';
import * as actions from './actions.js';
import { panelView, waiting } from './panel.js';
import { count, found, inSight, palettes, quantity, shown } from './state.js';

const QUANTITIES = /** @type {Record<string, string>} */ ({
  hidden_norm: 'Hidden state (L2 norm)',
  change_norm: 'Change by the layer',
  attention_norm: 'Added by attention',
  mlp_norm: 'Added by the MLP',
});

/** @param {any} layers @returns {import('../../charts/bars.js').Bars} */
function chart(layers) {
  return {
    caption: 'L2 norms of each layer at this token',
    columns: ['hidden state', 'change', 'attention', 'MLP'],
    rows: layers.rows.map((/** @type {any} */ row) => ({
      label: row.name,
      marked: row.name === layers.busiest ? 'the largest change' : undefined,
      bars: ['hidden_norm', 'change_norm', 'attention_norm', 'mlp_norm'].map((name) => ({ value: row[name], text: row[name] === null ? '–' : short(row[name]), title: `${QUANTITIES[name]}: ${row[name]}${name === 'change_norm' && row.change_cosine !== null ? `; cosine before and after ${row.change_cosine}` : ''}` })),
    })),
  };
}

export function layersView() {
  const { layers } = found.value;
  return panelView({
    id: 'layers',
    title: 'Layer by layer',
    caption: 'How long the vector of this token is after each layer, and how much each layer’s attention and MLP added to it.',
    how: 'Every layer reads the token’s hidden state and adds the outputs of its attention and of its MLP to it. A bar is the length (L2 norm) of a vector; each column has its own scale. The last hidden state is taken after the final norm, as transformers returns it; changes are taken before it.',
    formula: '‖h‖₂ = √Σ hᵢ²;  change of layer l = ‖h_{l+1} − h_l‖₂',
    source: 'layers.layers, residual.norms, residual.changes',
    body: layers ? html`${layers.busiest ? html`<p>The largest change happened in <strong>${layers.busiest}</strong>.</p>` : ''}${barsView(chart(layers))}` : waiting(),
    parts: () => (layers ? [barsPart(chart(layers))] : []),
  });
}

/** The value of a cell, from the streamed columns. @param {number} row @param {number} column */
function describe(row, column) {
  const run = state.run.value;
  const map = found.value.layer_map;
  const values = run?.columns[map?.quantity];
  if (!run || !values || column >= count.value) return '';
  return `${map.names[row]} · ${visible(run.tokens.texts[column])} (token ${column + 1}) · ${values.data[column * values.width + row]}`;
}

export function layerMap() {
  const heatmap = new Heatmap({ label: 'Layers (rows) by tokens (columns)', describe, onPick: (_, column) => actions.stepTo(column), resting: 'Point at a cell for its number; press it to go to its token.' });
  effect(() => {
    dark.value;
    const map = found.value.layer_map;
    if (map && palettes.value && inSight.value.has('layer_map')) heatmap.draw({ levels: map.levels, rows: map.names.length, columns: map.columns, names: map.names.map((/** @type {string} */ name) => name.replace('layer ', '').replace('embeddings', 'emb.')), palette: palettes.value[map.palette] });
  });
  effect(() => {
    if (inSight.value.has('layer_map')) heatmap.mark(shown.value?.token ?? -1);
  });
  return () => {
    const map = found.value.layer_map;
    const choose = (/** @type {Event} */ event) => (quantity.value = /** @type {HTMLSelectElement} */ (event.target).value);
    return panelView({
      id: 'layer_map',
      title: 'Layers × tokens',
      caption: 'The same for the whole text: each column is a token, each row a layer, darker is more (brighter in the dark theme).',
      how: 'Each cell is a norm as in “Layer by layer”. Colours are spread logarithmically from the smallest to the largest value of the text, because a few tokens, mostly the first, have vectors many times longer than the rest.',
      formula: 'colour = (ln v − ln min) / (ln max − ln min)',
      source: 'layers.layer_map, scales.logarithmic',
      body: html`<label class="field">Show <select id="quantity" @change=${choose}>${Object.entries(QUANTITIES).map(([name, title]) => html`<option value=${name} .selected=${name === quantity.value}>${title}</option>`)}</select></label>
        ${heatmap.element}${map && palettes.value ? scaleView(palettes.value[map.palette], map.stops) : ''}`,
      parts: () => [heatmap.part()],
    });
  };
}
