// What the model's heads are, whatever the text: their scores on repeated random tokens; main thread.

import { rowsScene } from '../../charts/rows.js';
import { percent } from '../../frame/format.js';
import { valueOf } from '../../frame/mount.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { keyOf } from '../layers/rows.js';
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
  const across = Array.from({ length: rows * columns }, (_, i) => arrays.levels.data[(i % rows) * columns + Math.floor(i / rows)]);
  return {
    label: `${title} of ${columns} heads in ${rows} layers`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: columns }, (_, head) => `head ${head}`),
      labelRoom: 56,
      rowHeight: 18,
      align: 'end',
      tracks: [{ kind: 'cells', title: 'layers', levels: across, columns: rows, palette: /** @type {any} */ (state.palettes.value)[name], key: keyOf(stops, percent), ends: ['0', String(rows - 1)] }],
    }, width),
    say: (point) => {
      const which = headOf(point);
      const value = arrays.values.data[which.layer * columns + which.head];
      return `Head ${nameOf(which)} · ${title} ${Number.isNaN(value) ? '–' : percent(value)}. Press to open it.`;
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
  resting: 'Heads down, layers across. Point at a cell for its score; press it to open the head.',
  missing: () => (state.model.value && !state.model.value.manifest.head_scores ? 'This model was exported without head scores.' : null),
  lead: ({ json: { measured } }) => (measured ? `On ${measured.tokens} random tokens read twice, mean of ${measured.seeds} draws. Whatever the text.` : ''),
  controls: () => html`<select class="quiet" aria-label="Score" @change=${(/** @type {Event} */ event) => (score.value = valueOf(event))}>${Object.entries(SCORES).map(([id, title]) => html`<option value=${id} .selected=${id === score.value}>${title}</option>`)}</select>`,
  charts: (answer) => [chart(answer)],
  prose: {
    caption: 'The score of every head on random tokens that are read twice, where only copying helps.',
    how: 'Induction: mean attention from each token of the second copy to the token that followed it in the first. Duplicate token: to its first copy. Previous token: from every token to the one before it. Measured with the exported model when it was built.',
    formula: 'induction = mean over the second copy of A[t, t − length + 1]',
    source: 'export/head_scores.measure, induction.model_heads',
  },
});
