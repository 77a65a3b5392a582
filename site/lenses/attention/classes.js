// How attention differs across word classes: classes × layers, or × the heads of the open head's layer; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { count, countOf, fixed, percent, shareEnd, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { menuView, settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { complete, head, missingAttention, nameOf } from './choice.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Complete} from './choice.js' */

const QUANTITIES = { entropy: 'Entropy', sink: 'On the first position', distance: 'Mean distance' };
const quantity = signal('entropy');
const byHead = signal(false);

/** @param {Complete<Views['attention_classes']['answer']>} answer @returns {ChartOf} */
function chart({ json: { rows, columns, title, layer, palette: name, stops }, arrays }) {
  const format = quantity.value === 'sink' ? percent : quantity.value === 'distance' ? short : (/** @type {number} */ value) => fixed(value);
  const place = (/** @type {number} */ column) => (layer === null ? `layer ${column}` : `head ${nameOf({ layer, head: column })}`);
  return {
    label: `${title} of ${rows.length} word classes by ${layer === null ? `${columns} layers` : `${columns} heads of layer ${layer}`}`,
    scene: (width) => rowsScene({
      labels: rows.map((row) => `${row.title} (${count(row.count)})`),
      labelRoom: Math.min(190, width * 0.45),
      rowHeight: 22,
      tracks: [{
        kind: 'cells', title: layer === null ? 'layers' : `heads of layer ${layer}`, levels: arrays.levels.data, columns,
        palette: state.paletteOf(name), key: keyOf(stops, quantity.value === 'sink' ? shareEnd : short, name === 'focus' ? ['focused', 'diffuse'] : undefined),
        ends: ['0', String(columns - 1)],
      }],
    }, width),
    say: ({ row, column }) => {
      const said = format(arrays.values.data[row * columns + column]);
      return `${rows[row].title} (${countOf(rows[row].count, 'token')}) · ${place(column)} · ${title.toLowerCase()} ${said}`;
    },
  };
}

export const classes = panel({
  id: 'attention_classes',
  view: 'attention_classes',
  needs: 'end',
  args: () => ({ quantity: quantity.value, layer: byHead.value ? (head.value?.layer ?? null) : null }),
  lacks: missingAttention,
  title: 'Word classes × layers',
  resting: `${POINT} a cell for its mean over the tokens of the class.`,
  controls() {
    /** @type {[string, string][]} */
    const columns = [['layers', 'by layer'], ['heads', `heads of layer ${head.value?.layer ?? ''}`]];
    return html`<span class="attention-controls">
      ${settingMenu('Quantity', QUANTITIES, quantity)}
      ${menuView('Columns', columns, byHead.value ? 'heads' : 'layers', (value) => (byHead.value = value === 'heads'))}</span>`;
  },
  charts: (answer) => {
    const full = complete(answer);
    return full ? [chart(full)] : [];
  },
});
