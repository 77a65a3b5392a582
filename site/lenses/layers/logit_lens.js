// The logit lens at the token: what each layer would already predict there, or after it; main thread.

import { rowsScene } from '../../charts/rows.js';
import { count, fixed, percent, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { inUnit, unit } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { signal } from '../../vendor/signals-core.js';
import { settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { hasLens, shortNames } from './rows.js';

/** @import {LogitLens} from '../../shared/protocol.js' */
/** @import {RunState} from '../../page/state.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const SHOWN = 3; // tokens of each layer, if there is room
const ROW = 17;

const PREDICTIONS = { this: 'prediction of this token', next: 'prediction of the next token' };
const prediction = signal('this');
const isOfThis = () => prediction.value === 'this';

/** Whether nothing predicts the token. @param {RunState} run @param {number} token */
const isFirst = (run, token) => isOfThis() && !state.hasPrediction(run, token);

/** @param {LogitLens} lens */
function lead({ layers, next, settled, this_token: ofThis }) {
  const best = html`“${state.nameOfId(layers[layers.length - 1].top[0])}” (top prediction from <strong>${settled.replace('embeddings', 'the embeddings')}</strong> on)`;
  if (ofThis) return html`Most likely at this token: ${best}. In the text: “${next && state.nameOfId(next)}”.`;
  return html`Most likely next token: ${best}. ${next ? `Next in the text: “${state.nameOfId(next)}”.` : 'The text ends here.'}`;
}

/** The largest divergence of a layer: that of the embeddings is so much larger that the others would not show. @param {LogitLens['layers']} layers */
const mostOfLayers = (layers) => Math.max(...layers.slice(1).map(({ divergence }) => inUnit(divergence) ?? 0)) || undefined;

/** @param {LogitLens} lens @returns {ChartOf} */
function chart({ layers, next, palette: name }) {
  const palette = state.paletteOf(name);
  const places = (/** @type {number} */ width) => (width < 380 ? 1 : width < 520 ? 2 : SHOWN);
  return {
    label: `Logit lens: the most likely tokens after the embeddings and each of ${layers.length - 1} layers`,
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
        { kind: 'bars', title: `KL (${unit()})`, axis: short, most: mostOfLayers(layers), share: 0.7, series: [{ values: layers.map(({ divergence }) => inUnit(divergence)), fill: 'bar' }] },
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
  args: (run, token) => (hasLens() && !isFirst(run, token) ? { token, topK: 5, this_token: isOfThis() } : null),
  passAt: (_, token) => token - Number(isOfThis()),
  title: 'Logit lens',
  missing() {
    if (!hasLens()) return 'This model was exported without the logit lens.';
    return state.run.value && isFirst(state.run.value, state.current.value ?? 0) ? 'First token: no probability.' : null;
  },
  resting: `One row for each layer. ${POINT} one for its five most likely tokens.`,
  controls: () => settingMenu('Prediction', PREDICTIONS, prediction),
  lead: ({ json }) => lead(json),
  charts: ({ json }) => [chart(json)],
});
