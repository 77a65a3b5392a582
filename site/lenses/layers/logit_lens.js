// The logit lens at the token: what each layer would already say comes next; main thread.

import { rowsScene } from '../../charts/rows.js';
import { count, fixed, percent, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { inUnit, unit } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { shortNames } from './rows.js';

/** @import {LogitLens} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const SHOWN = 3; // tokens of each layer, if there is room
const ROW = 17;

const hasLens = () => Boolean(state.run.value?.model.lens);

/** @param {LogitLens} lens @returns {ChartOf} */
function chart({ layers, next, palette: name }) {
  const palette = state.paletteOf(name);
  const places = (/** @type {number} */ width) => (width < 380 ? 1 : width < 520 ? 2 : SHOWN);
  return {
    label: `Logit lens: the most likely next tokens after the embeddings and each of ${layers.length - 1} layers`,
    scene: (width) => rowsScene({
      labels: shortNames(layers.map((row) => row.name)),
      labelRoom: 40,
      rowHeight: ROW,
      align: 'end',
      tracks: [
        ...Array.from({ length: places(width) }, (_, k) => ({
          kind: /** @type {const} */ ('words'), title: ['most likely', '2nd', '3rd'][k], palette, share: k ? 1 : 1.2,
          words: layers.map(({ top }) => ({ text: `${state.nameOfId(top[k])} ${percent(top[k].probability)}`, level: top[k].level, strong: top[k].id === next?.id })),
        })),
        { kind: 'bars', title: `KL (${unit()})`, axis: short, share: 0.7, series: [{ values: layers.map(({ divergence }) => inUnit(divergence)), fill: 'bar' }] },
        { kind: 'numbers', title: 'rank', room: 50, texts: layers.map(({ rank }) => count(rank)) },
      ],
    }, width),
    say: ({ row }) => {
      const { name: layer, top, rank, probability, divergence } = layers[row];
      const likely = top.map((each) => `${state.nameOfId(each)} ${percent(each.probability)}`).join(', ');
      const share = probability === null ? '' : `, ${percent(probability)}`;
      const actual = next ? ` · ${state.nameOfId(next)}: rank ${count(rank)}${share}` : '';
      return `${layer} · ${likely}${actual} · KL ${fixed(inUnit(divergence))} ${unit()}`;
    },
  };
}

export const logitLens = panel({
  id: 'lens',
  view: 'lens',
  needs: 'pass',
  args: (_, token) => (hasLens() ? { token, topK: 5 } : null),
  passAt: (_, token) => token,
  title: 'Logit lens',
  missing: () => (hasLens() ? null : 'This model was exported without the logit lens.'),
  resting: `One row for each layer. ${POINT} one for its five most likely tokens.`,
  lead: ({ json: { layers, next, settled } }) => html`${next ? html`Next token: <code>${state.nameOfId(next)}</code>. ` : 'The text ends here. '}<code>${state.nameOfId(layers[layers.length - 1].top[0])}</code> is the top prediction from <strong>${settled}</strong> on.`,
  charts: ({ json }) => [chart(json)],
});
