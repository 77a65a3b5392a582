// Which layers work on which class of words: a table and a heatmap of classes × layers; main thread.

import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { fixed } from '../../frame/format.js';
import { amount } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';

export const wordClasses = panel({
  id: 'word_classes',
  view: 'word_classes',
  needs: 'text',
  args: () => ({}),
  title: 'Word classes',
  caption: 'Which layers change content words, function words or punctuation more than they change the whole text.',
  how: 'Tokens are sorted into classes by the word they belong to. A layer’s activity is the norm of the change it makes; divided by its mean over the text (geometric means), 1 is usual, blue is more and orange less. The layers named change the class more than the text by over two standard errors, the most raised first.',
  formula: 'relative activity[class, layer] = exp(mean over the class of ln ‖h_{l+1} − h_l‖ − mean over the text)',
  source: 'layers.word_classes, word_table.class_table, words.classify',
  canvas: (answer) =>
    new Heatmap({
      label: 'Activity of layers (columns) by word class (rows), relative to the text',
      rowHeight: 16,
      widest: 40,
      describe(row, column) {
        const each = answer.value?.json.rows[row];
        return each ? `${each.title}, layer ${column} · ${fixed(each.relative_activity[column], 3)} times the usual change · attention entropy ${amount(each.attention_entropy[column], 3)}` : '';
      },
      resting: 'Point at a cell: how much the layer changes such words, against the whole text, and its attention entropy.',
    }),
  draw(heatmap, answer) {
    if (!answer) return heatmap.clear();
    const { rows, layers, palette } = answer.json;
    heatmap.draw({ levels: answer.arrays.levels.data, rows: rows.length, columns: layers, names: rows.map((row) => row.title.split(' ')[0]), palette: /** @type {any} */ (state.palettes.value)[palette] });
  },
  body: (answer, heatmap) =>
    answer && state.palettes.value
      ? html`<div class="scroller" tabindex="0" role="region" aria-label="Word classes, one a row"><table class="plain"><thead><tr><th scope="col">class</th><th scope="col">tokens</th><th scope="col">surprisal</th><th scope="col">entropy</th><th scope="col">layers that change it more than the text</th></tr></thead>
        <tbody>${answer.json.rows.map((row) => html`<tr><th scope="row">${row.title}</th><td>${row.count}</td><td>${amount(row.mean_surprisal_nats)}</td><td>${amount(row.mean_entropy_nats)}</td><td>${row.raised_layers ? row.raised_layers.join(', ') || 'none' : `too few (below ${answer.json.fewest})`}</td></tr>`)}</tbody></table></div>
        <figure><figcaption class="hint">Relative activity: classes × layers (0 on the left)</figcaption>${heatmap.element}</figure>${scaleView(state.palettes.value[answer.json.palette], answer.json.stops, ['none', 'as usual', 'twice the usual'])}`
      : waiting(),
  parts: (_, heatmap) => [heatmap.part()],
});
