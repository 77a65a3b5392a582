// Which layers work for which class of word, and how focused attention is there; main thread.

import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { dark } from '../../charts/theme.js';
import { effect } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { fixed } from '../format.js';
import { panelView, waiting } from './panel.js';
import { found, inSight, palettes } from './state.js';

export function classesPanel() {
  const heatmap = new Heatmap({
    label: 'Activity of layers (columns) by class of word (rows), relative to the text',
    rowHeight: 16,
    widest: 40,
    describe: (row, column) => {
      const each = found.value.word_classes?.rows[row];
      return each ? `${each.title}, layer ${column} · ${fixed(each.relative_activity[column], 3)} times the usual change · attention entropy ${fixed(each.attention_entropy[column], 3)} nats` : '';
    },
    resting: 'Point at a cell: how much the layer changes such words, against the whole text, and its attention entropy.',
  });
  effect(() => {
    dark.value;
    const table = found.value.word_classes;
    if (!table || !palettes.value || !inSight.value.has('word_classes')) return;
    heatmap.draw({ levels: table.levels, rows: table.rows.length, columns: table.layers, names: table.rows.map((/** @type {any} */ row) => row.title.split(' ')[0]), palette: palettes.value[table.palette] });
  });
  return () => {
    const table = found.value.word_classes;
    return panelView({
      id: 'word_classes',
      title: 'By class of word',
      caption: 'Which layers change content words, function words or punctuation more than they change the whole text.',
      how: 'Tokens are sorted into classes by the word they belong to. A layer’s activity is the length of the change it makes; divided by its mean over the text (geometric means), 1 is usual, blue is more and orange less. The layers named change the class more than the text by over two standard errors, the most raised first.',
      formula: 'relative activity[class, layer] = exp(mean over the class of ln ‖h_{l+1} − h_l‖ − mean over the text)',
      source: 'layers.word_classes, word_table.class_table, words.classify',
      body: table && palettes.value ? html`
        <div class="scroller" tabindex="0" role="region" aria-label="Classes of words"><table class="plain"><thead><tr><th scope="col">class</th><th scope="col">tokens</th><th scope="col">surprisal</th><th scope="col">entropy</th><th scope="col">layers that change it more than the text</th></tr></thead>
        <tbody>${table.rows.map((/** @type {any} */ row) => html`<tr><th scope="row">${row.title}</th><td>${row.count}</td><td>${fixed(row.mean_surprisal_nats)} nats</td><td>${fixed(row.mean_entropy_nats)} nats</td><td>${row.raised_layers ? row.raised_layers.join(', ') || 'none' : `too few (below ${table.fewest})`}</td></tr>`)}</tbody></table></div>
        <figure><figcaption class="hint">Relative activity: classes × layers (0 on the left)</figcaption>${heatmap.element}</figure>${scaleView(palettes.value[table.palette], table.stops, ['none', 'as usual', 'twice the usual'])}` : waiting(),
      parts: () => [heatmap.part()],
    });
  };
}
