// Which layers work on which class of words: classes × layers; main thread.

import { rowsScene } from '../../charts/rows.js';
import { fixed } from '../../frame/format.js';
import { amount } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { panel } from '../panel.js';
import { keyOf } from './rows.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** @param {Views['word_classes']['answer']} answer @returns {ChartOf} */
function chart({ json: { rows, layers, palette: name, stops, fewest }, arrays }) {
  const palette = /** @type {any} */ (state.palettes.value)[name];
  return {
    label: `Activity of ${layers} layers by word class, relative to the whole text`,
    scene: (width) => rowsScene({
      labels: rows.map(({ title }) => title),
      labelRoom: Math.min(190, width * 0.48),
      rowHeight: 22,
      tracks: [{ kind: 'cells', title: 'layers', levels: arrays.levels.data, columns: layers, palette, key: keyOf(stops, String, ['no change', 'twice the usual']), ends: ['0', String(layers - 1)] }],
    }, width),
    say: ({ row, column }) => {
      const { title, count, relative_activity: activity, attention_entropy: entropy, raised_layers: raised } = rows[row];
      const most = raised === null ? `too few tokens to compare (below ${fewest})` : raised.length ? `most raised in layers ${raised.join(', ')}` : 'raised in no layer';
      return `${title} (${count} tokens), layer ${column} · ${fixed(activity[column])} × the usual change · attention entropy ${amount(entropy[column])} · ${most}`;
    },
  };
}

export const wordClasses = panel({
  id: 'word_classes',
  view: 'word_classes',
  needs: 'text',
  args: () => ({}),
  title: 'Word classes × layers',
  resting: 'Point at a cell: how much the layer changes such words.',
  charts: (answer) => [chart(answer)],
});
