// The scores of the model's heads, the same for every text: measured on repeated random tokens; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { percent, shareEnd } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { nameOf, open } from './choice.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const SCORES = { induction: 'Induction', previous_token: 'Previous token', duplicate_token: 'Duplicate token' };
const score = signal('induction');

/** @param {Views['model_heads']['answer']} answer @returns {ChartOf} */
function chart({ json: { rows, columns, title, palette: name, stops }, arrays }) {
  const headOf = (/** @type {{ row: number, column: number }} */ { row, column }) => ({ layer: column, head: row });
  // Layers run across: a model has more of them than a layer has heads.
  const across = Array.from({ length: rows * columns }, (_, i) => arrays.levels.data[(i % rows) * columns + Math.floor(i / rows)]); // [head, layer]
  return {
    label: `${title} of ${columns} heads in ${rows} layers`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: columns }, (_, head) => `head ${head}`),
      labelRoom: 56,
      rowHeight: 18,
      align: 'end',
      tracks: [{
        kind: 'cells', title: 'layers', levels: across, columns: rows, palette: state.paletteOf(name), key: keyOf(stops, shareEnd),
        ends: ['0', String(rows - 1)],
      }],
    }, width),
    say: (point) => {
      const which = headOf(point);
      const value = arrays.values.data[which.layer * columns + which.head];
      return `Head ${nameOf(which)} · ${title} ${percent(value)}. Press to open it.`;
    },
    pick: (point) => open(headOf(point)),
  };
}

export const modelHeads = panel({
  id: 'model_heads',
  view: 'model_heads',
  needs: 'end',
  args: () => ({ name: score.value }),
  title: 'The model’s heads',
  resting: `Heads down, layers across. ${POINT} a cell for its score; press it to open the head.`,
  missing: () => (state.model.value && !state.model.value.manifest.head_scores ? 'This model was exported without head scores.' : null),
  lead: ({ json: { measured } }) => (measured ? `Measured on ${measured.tokens} random tokens read twice, mean of ${measured.seeds} draws; the same for every text.` : ''),
  controls: () => settingMenu('Score', SCORES, score),
  charts: (answer) => [chart(answer)],
});
