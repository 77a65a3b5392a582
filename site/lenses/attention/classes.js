// How attention differs across word classes: classes × layers, or × the heads of the open head's layer; main thread.

import { short } from '../../charts/numbers.js';
import { rowsScene } from '../../charts/rows.js';
import { fixed, percent } from '../../frame/format.js';
import { valueOf } from '../../frame/mount.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { keyOf } from '../layers/rows.js';
import { panel } from '../panel.js';
import { complete, head, lackOf } from './choice.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Complete} from './choice.js' */

const QUANTITIES = { entropy: 'Entropy', sink: 'On the first position', distance: 'Mean distance' };
const quantity = signal('entropy');
const byHead = signal(false);

/** @param {Complete<Views['attention_classes']['answer']>} answer @returns {ChartOf} */
function chart({ json: { rows, columns, title, layer, palette: name, stops }, arrays }) {
  const written = quantity.value === 'sink' ? percent : quantity.value === 'distance' ? short : (/** @type {number} */ value) => fixed(value);
  const what = layer === null ? 'layer' : `head ${layer}.`;
  return {
    label: `${title} of ${rows.length} word classes by ${layer === null ? `${columns} layers` : `${columns} heads of layer ${layer}`}`,
    scene: (width) => rowsScene({
      labels: rows.map((row) => `${row.title} (${row.count})`),
      labelRoom: Math.min(190, width * 0.45),
      rowHeight: 22,
      tracks: [{
        kind: 'cells', title: layer === null ? 'layers' : `heads of layer ${layer}`, levels: arrays.levels.data, columns, palette: /** @type {any} */ (state.palettes.value)[name],
        key: keyOf(stops, written, name === 'focus' ? ['focused', 'diffuse'] : undefined), ends: ['0', String(columns - 1)],
      }],
    }, width),
    say: ({ row, column }) => `${rows[row].title} (${rows[row].count} tokens) · ${layer === null ? `${what} ${column}` : `${what}${column}`} · ${title.toLowerCase()} ${Number.isNaN(arrays.values.data[row * columns + column]) ? '–' : written(arrays.values.data[row * columns + column])}`,
  };
}

export const classes = panel({
  id: 'attention_classes',
  view: 'attention_classes',
  needs: 'end',
  args: () => ({ quantity: quantity.value, layer: byHead.value ? (head.value?.layer ?? null) : null }),
  lacks: lackOf,
  title: 'Word classes × layers',
  resting: 'Point at a cell for its mean over the tokens of the class.',
  controls: () => html`<span class="attention-controls">
    <select class="quiet" aria-label="Quantity" @change=${(/** @type {Event} */ event) => (quantity.value = valueOf(event))}>${Object.entries(QUANTITIES).map(([id, title]) => html`<option value=${id} .selected=${id === quantity.value}>${title}</option>`)}</select>
    <select class="quiet" aria-label="Columns" @change=${(/** @type {Event} */ event) => (byHead.value = valueOf(event) === 'heads')}><option value="layers" .selected=${!byHead.value}>by layer</option><option value="heads" .selected=${byHead.value}>heads of layer ${head.value?.layer ?? ''}</option></select></span>`,
  charts: (answer) => {
    const made = complete(answer);
    return made ? [chart(made)] : [];
  },
  prose: {
    caption: 'How words of a class look at the text before them: widely or narrowly, near or far, or at the first position.',
    how: 'Tokens belong to the class of their word; the number of tokens is in brackets. A cell is the mean over the tokens of the class and, by layer, over the layer’s heads. Entropy is divided by its largest possible value; distance is the mean number of tokens back, weighted by attention.',
    formula: 'mean over tokens of H / ln(visible positions);  Σ A[query, key]·(query − key);  A[query, 0]',
    source: 'attention_classes.attention_classes, words.classify, attention.mean_distance',
  },
});
