// How focused attention is at the token: every head of every layer, and the means by layer; main thread.

import { colourAt } from '../../charts/scene.js';
import { keyOf, rowsScene } from '../../charts/rows.js';
import { fixed, percent, shareEnd, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { panel } from '../panel.js';
import { layerHeight } from './rows.js';
import { definition } from './transformer_lab.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** @param {Views['focus']['answer']} answer @returns {ChartOf} */
function chart({ json, arrays }) {
  const { layers, rows, columns, stops } = json;
  const palette = state.paletteOf(json.palette);
  return {
    label: `Attention entropy of ${rows} layers by ${columns} heads, and means by layer`,
    scene: (width) => rowsScene({
      labels: layers.map((_, i) => String(i)),
      labelRoom: 24,
      rowHeight: layerHeight(rows + 1),
      align: 'end',
      tracks: [
        {
          kind: 'cells', title: 'heads', levels: arrays.levels.data, columns, palette, key: keyOf(stops, String, ['focused', 'diffuse']),
          ends: ['0', String(columns - 1)], share: 2.2, widest: 24,
        },
        {
          kind: 'bars', title: unit(), axis: short,
          series: [{ values: layers.map(({ entropy }) => inUnit(entropy)), fill: 'bar', fills: layers.map(({ level }) => colourAt(palette, level)) }],
        },
        { kind: 'bars', title: 'sink', axis: shareEnd, most: 1, series: [{ values: layers.map(({ sink }) => sink), fill: 'bar' }] },
      ],
    }, width),
    say: ({ area, row, column }) => {
      if (area === 0) {
        const at = row * columns + column;
        const { entropy, normalised, sink } = arrays;
        return `layer ${row}, head ${column} · ${amount(entropy.data[at])} · normalised ${fixed(normalised.data[at])} · ${percent(sink.data[at])} on the sink`;
      }
      const { entropy, normalised, sink, entropy_without_sink: without } = layers[row];
      return `layer ${row}, mean over heads · ${amount(entropy)} · normalised ${fixed(normalised)} · ${percent(sink)} on the sink · ${amount(without)} without it`;
    },
  };
}

export const focus = panel({
  id: 'focus',
  view: 'focus',
  needs: 'token',
  args: (_, token) => ({ token }),
  title: 'Attention entropy',
  resting: `Layers down, heads across. ${POINT} a cell or bar.`,
  lead: ({ json }) => json.words ?? 'The first position can only attend to itself.',
  charts: (answer) => [chart(answer)],
  more: (isOpen) => definition('focus', isOpen),
});
