// How focused attention is at the token: bars by layer and a heatmap of layers × heads; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { fixed, percent } from '../../frame/format.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';

/** @import {Views} from '../../shared/protocol.js' */

/** @param {Views['focus']['answer']['json']} focus @returns {import('../../charts/bars.js').Bars} */
const chart = ({ layers, palette }) => ({
  caption: 'Attention entropy by layer, mean over heads',
  columns: [`entropy (${unit()})`, 'normalised', 'on the sink', 'without it'],
  palette: state.palettes.value?.[palette],
  rows: layers.map((layer, i) => ({
    label: `layer ${i}`,
    bars: [
      { value: layer.entropy, text: fixed(inUnit(layer.entropy)), title: `${layer.entropy} nats`, level: layer.level },
      { value: layer.normalised, text: fixed(layer.normalised), title: String(layer.normalised), level: layer.level },
      { value: layer.sink, text: layer.sink === null ? '–' : percent(layer.sink), title: `mass on position 0: ${layer.sink}` },
      { value: layer.entropy_without_sink, text: fixed(inUnit(layer.entropy_without_sink)), title: `${layer.entropy_without_sink} nats` },
    ],
  })),
});

export const focus = panel({
  id: 'focus',
  view: 'focus',
  needs: 'token',
  args: (_, token) => ({ token }),
  title: 'Attention entropy',
  caption: 'Whether the heads attended to few tokens (focused, orange) or to many (diffuse, blue) at this one.',
  how: 'Each head spreads its attention over the tokens so far; the entropy says over how many. It grows with the length of the text, so it is also given divided by its greatest possible value, the logarithm of the number of positions that the layer sees. Many heads rest on the first position when they have nothing to do: the attention sink. Its share is given, and the entropy of the rest. Bars: the mean over a layer’s heads. Grid: every layer (row) and head (column).',
  formula: 'H = −Σ p·ln p over the head’s attention row;  normalised = H / ln(visible positions);  without the sink: p / (1 − p₀)',
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
        const { entropy, normalised, sink } = found.arrays;
        return `layer ${row}, head ${column} · ${amount(entropy.data[at], 3)} · normalised ${fixed(normalised.data[at], 3)} · ${percent(sink.data[at])} on the sink`;
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
