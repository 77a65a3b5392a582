// Layers × tokens: one norm of every layer for the whole text, or what the logit lens says there; main thread.

import { LONGEST_SIDE } from '../../charts/canvas.js';
import { keyOf, rowsScene } from '../../charts/rows.js';
import { count, countOf, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { inUnit, unit } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import { computeLens } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { hasLens, LENS, QUANTITIES, shortNames } from './rows.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const chosen = signal('hidden_norm');
const offered = () => (hasLens() ? { ...QUANTITIES, ...LENS } : QUANTITIES);
/** The chosen quantity, if this model has it. */
const quantity = computed(() => (chosen.value in offered() ? chosen.value : 'hidden_norm'));

/** How a value of a quantity is written: norms and ranks have no unit. @param {string} name @returns {(value: number) => string} */
function formatOf(name) {
  if (name === 'lens_rank') return count;
  return name in LENS ? (value) => `${short(inUnit(value))} ${unit()}` : short;
}

/** @param {Views['layer_map']['answer']} answer @returns {ChartOf} */
function chart({ json: { quantity: name, names, columns, palette: colours, stops, missing }, arrays }) {
  const palette = state.paletteOf(colours);
  const token = state.current.value ?? -1;
  const format = formatOf(name);
  const title = { ...QUANTITIES, ...LENS }[name];
  return {
    label: `${title} of ${names.length} layers by ${countOf(columns, 'token')}`,
    scene: (width) => rowsScene({
      labels: shortNames(names),
      labelRoom: 40,
      rowHeight: Math.max(9, Math.min(20, Math.floor(320 / names.length))),
      align: 'end',
      tracks: [{
        kind: 'cells', title: '', levels: arrays.levels.data, columns, palette, key: missing?.done === 0 ? [] : keyOf(stops, format), ends: ['token 1', count(columns)],
        narrowest: Math.max(1, Math.min(4, LONGEST_SIDE / columns)),
      }],
    }, width),
    say: ({ row, column }) => {
      const value = arrays.values.data[row * columns + column];
      const unknown = missing && column >= missing.done ? 'not computed yet' : 'the text ends here';
      return `${names[row]} · ${state.nameOfToken(column)} (token ${count(column + 1)}) · ${Number.isNaN(value) ? unknown : format(value)}`;
    },
    pick: ({ column }) => stepTo(column),
    frames: missing && token >= missing.done ? [] : [{ from: token, to: token + 1, kind: 'mark' }],
  };
}

export const layerMap = panel({
  id: 'layer_map',
  view: 'layer_map',
  needs: 'text',
  args: () => ({ name: quantity.value }),
  lacks: ({ json }) => json.missing,
  fetch: computeLens,
  title: 'Layers × tokens',
  resting: `${POINT} a cell for its value; press it to go to its token.`,
  controls: () => settingMenu('Quantity', offered(), chosen),
  charts: (answer) => [chart(answer)],
  below: ({ json: { missing, columns } }) => (missing ? html`<p class="hint">Computing… ${count(missing.done)} of ${countOf(columns, 'token')}</p>` : nothing),
});
