// How focused attention is at the token: bars by layer and a heatmap of layers × heads; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { fixed } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';

/** @import {Views} from '../../shared/protocol.js' */

/** @param {Views['focus']['answer']['json']} focus @returns {import('../../charts/bars.js').Bars} */
const chart = ({ layers, palette }) => ({
  caption: 'Attention entropy by layer, mean over heads',
  columns: ['entropy (nats)', 'normalised'],
  palette: state.palettes.value?.[palette],
  rows: layers.map((layer, i) => ({
    label: `layer ${i}`,
    bars: [layer.entropy, layer.normalised].map((value) => ({ value, text: fixed(value), title: String(value), level: layer.level })),
  })),
});

export const focus = panel({
  id: 'focus',
  view: 'focus',
  needs: 'token',
  args: (_, token) => ({ token }),
  title: 'Attention entropy',
  caption: 'Whether the heads attended to few tokens (focused, orange) or to many (diffuse, blue) at this one.',
  how: 'Each head spreads its attention over the tokens so far; the entropy says over how many. It grows with the length of the text, so it is also given divided by its greatest possible value, the logarithm of the number of visible positions. Bars: the mean over a layer’s heads. Grid: every layer (row) and head (column).',
  formula: 'H = −Σ p·ln p over the head’s attention row;  normalised = H / ln(visible positions)',
  source: 'activations.focus, attention.attention_statistics',
  canvas: (answer) =>
    new Heatmap({
      label: 'Attention entropy of layers (rows) by heads (columns)',
      rowHeight: 12,
      widest: 40,
      describe(row, column) {
        const found = answer.value;
        if (!found) return '';
        const at = row * found.json.columns + column;
        const { entropy, normalised } = found.arrays;
        return `layer ${row}, head ${column} · ${entropy.data[at]} nats · normalised ${Number.isNaN(normalised.data[at]) ? '–' : normalised.data[at]}`;
      },
      resting: 'Point at a cell for its layer, head and values.',
    }),
  draw(heatmap, answer) {
    if (!answer) return heatmap.clear();
    const { rows, columns, palette } = answer.json;
    heatmap.draw({ levels: answer.arrays.levels.data, rows, columns, names: Array.from({ length: rows }, (_, i) => String(i)), palette: /** @type {any} */ (state.palettes.value)[palette] });
  },
  body: (answer, heatmap) =>
    answer && state.palettes.value
      ? html`<p>${answer.json.words ?? 'The first position can only attend to itself.'}</p>
        <div class="halves">${barsView(chart(answer.json))}<figure><figcaption class="hint">Layers × heads, normalised</figcaption>${heatmap.element}</figure></div>
        ${scaleView(state.palettes.value[answer.json.palette], answer.json.stops, ['focused (0)', 'half (0.5)', 'diffuse (1)'])}`
      : waiting(),
  parts: ({ json }, heatmap) => [barsPart(chart(json)), heatmap.part()],
});
