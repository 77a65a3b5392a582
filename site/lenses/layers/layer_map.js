// Layers × tokens: one norm of every layer for the whole text; main thread.

import { LONGEST_SIDE } from '../../charts/canvas.js';
import { keyOf, rowsScene } from '../../charts/rows.js';
import { count, countOf, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { QUANTITIES, shortNames } from './rows.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const quantity = signal('hidden_norm');

/** @param {Views['layer_map']['answer']} answer @returns {ChartOf} */
function chart({ json: { names, columns, palette: name, stops }, arrays }) {
  const palette = state.paletteOf(name);
  const token = state.current.value ?? -1;
  return {
    label: `${QUANTITIES[quantity.value]} of ${names.length} layers by ${countOf(columns, 'token')}`,
    scene: (width) => rowsScene({
      labels: shortNames(names),
      labelRoom: 40,
      rowHeight: Math.max(9, Math.min(20, Math.floor(320 / names.length))),
      align: 'end',
      tracks: [{
        kind: 'cells', title: '', levels: arrays.levels.data, columns, palette, key: keyOf(stops, short), ends: ['token 1', count(columns)],
        narrowest: Math.max(1, Math.min(4, LONGEST_SIDE / columns)),
      }],
    }, width),
    say: ({ row, column }) => `${names[row]} · ${state.nameOfToken(column)} (token ${count(column + 1)}) · ${short(arrays.values.data[row * columns + column])}`,
    pick: ({ column }) => stepTo(column),
    frames: [{ from: token, to: token + 1, kind: 'mark' }],
  };
}

export const layerMap = panel({
  id: 'layer_map',
  view: 'layer_map',
  needs: 'text',
  args: () => ({ name: quantity.value }),
  title: 'Layers × tokens',
  resting: `${POINT} a cell for its value; press it to go to its token.`,
  controls: () => settingMenu('Quantity', QUANTITIES, quantity),
  charts: (answer) => [chart(answer)],
});
