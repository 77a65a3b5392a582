// Which layers work on which class of words: classes × layers; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { countOf, fixed } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { amount } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { panel } from '../panel.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** @param {Views['word_classes']['answer']} answer @returns {ChartOf} */
function chart({ json: { rows, layers, palette: name, stops, fewest }, arrays }) {
  const palette = state.paletteOf(name);
  return {
    label: `Activity of ${layers} layers by word class, relative to the whole text`,
    scene: (width) => rowsScene({
      labels: rows.map(({ title }) => title),
      labelRoom: Math.min(190, width * 0.48),
      rowHeight: 22,
      tracks: [{
        kind: 'cells', title: 'layers', levels: arrays.levels.data, columns: layers, palette,
        key: keyOf(stops, String, ['no change', 'twice the usual']), ends: ['0', String(layers - 1)],
      }],
    }, width),
    say: ({ row, column }) => {
      const { title, count, relative_activity: activity, attention_entropy: entropy, raised_layers: raised } = rows[row];
      const most = raised?.length ? `most raised in layers ${raised.join(', ')}` : 'raised in no layer';
      const said = raised === null ? `too few tokens to compare (below ${fewest})` : most;
      const entropyHere = `attention entropy ${amount(entropy[column])}`;
      return `${title} (${countOf(count, 'token')}), layer ${column} · ${fixed(activity[column])} × the usual change · ${entropyHere} · ${said}`;
    },
  };
}

export const wordClasses = panel({
  id: 'word_classes',
  view: 'word_classes',
  needs: 'text',
  args: () => ({}),
  title: 'Word classes × layers',
  resting: `${POINT} a cell: how much the layer changes such words.`,
  charts: (answer) => [chart(answer)],
});
