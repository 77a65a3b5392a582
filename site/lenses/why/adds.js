// Adds: direct logit attribution, exact: every head and MLP as a grid, the largest parts, and the sum beside the logit; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { short, signed } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { chooseHead, fetch, lacks, missingWords, whyArgs } from './choice.js';
import { rowHeight } from './head_charts.js';
import { headButtons } from './heads.js';
import { largestChart } from './tokens.js';

/** @import {Part, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const LISTED = 10;
const KINDS = /** @type {Record<string, string>} */ ({ embedding: 'embedding', attention_bias: 'attention bias', norm_bias: 'biases at the end', added: 'added vectors' });

/** @param {Part} part */
const nameOf = ({ kind, layer, head }) => (kind === 'head' ? `head ${layer}.${head}` : kind === 'mlp' ? `MLP ${layer}` : `${KINDS[kind]}${layer === null ? '' : ` ${layer}`}`);

/** @param {Views['why_adds']['answer']} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  const { layers, columns, palette: name, stops, top, largest } = json;
  if (layers === undefined || columns === undefined || !name || !stops || !top || !largest) return [];
  const palette = state.paletteOf(name);
  const heads = columns - 1;
  const levels = arrays.levels.data;
  const column = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: layers }, (_, row) => Array.from(levels.subarray(row * columns + from, row * columns + to))).flat();
  /** @type {ChartOf} */
  const grid = {
    label: `What ${layers} layers of ${heads} heads, and each layer's MLP, added`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: layers }, (_, layer) => String(layer)), labelRoom: 24, rowHeight: rowHeight(layers), align: 'end',
      tracks: [
        { kind: 'cells', title: 'heads', levels: column(0, heads), columns: heads, palette, key: keyOf(stops, short), ends: ['0', String(heads - 1)], widest: 26, share: 3 },
        { kind: 'cells', title: 'MLP', levels: column(heads, columns), columns: 1, palette, key: [], widest: 40, narrowest: 28, share: 0.6 },
      ],
    }, width),
    say: ({ area, row, column: at }) => {
      const value = arrays.values.data[row * columns + (area === 0 ? at : heads)];
      return `${area === 0 ? `head ${row}.${at}` : `MLP ${row}`} adds ${signed(value, 3)}`;
    },
    pick: ({ area, row, column: at }) => {
      if (area === 0) chooseHead(row, at);
    },
  };
  /** @type {ChartOf} */
  const list = {
    label: 'The largest parts',
    resting: `${POINT} a bar for its value; press a head to choose it.`,
    scene: (width) => rowsScene({
      labels: top.map(nameOf), labelRoom: Math.min(150, width * 0.4), rowHeight: 20,
      tracks: [
        { kind: 'bars', title: 'logits', axis: short, series: [{ values: top.map(({ value }) => value), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 56, texts: top.map(({ value }) => signed(value)) },
      ],
    }, width),
    say: ({ row }) => (top[row] ? `${nameOf(top[row])}: ${signed(top[row].value, 3)}` : ''),
    pick: ({ row }) => {
      const { kind, layer, head } = top[row] ?? {};
      if (kind === 'head') chooseHead(Number(layer), Number(head));
    },
  };
  return [grid, list, largestChart(largest.slice(0, LISTED), 'added directly, read from', 'logits', signed, short)];
}

/** The sum beside the logit. @param {Views['why_adds']['answer']} answer */
function lead({ json }) {
  const { logit, sum, target, versus, softcap } = json;
  if (logit === undefined || sum === undefined) return 'Computing…';
  const name = html`<code>${state.nameOfId(target)}</code>`;
  return html`${versus ? html`Logit of ${name} minus that of <code>${state.nameOfId(versus)}</code>` : html`Logit of ${name}`}: <strong>${signed(logit, 3)}</strong>. All parts sum to <strong>${signed(sum, 3)}</strong>.${softcap ? ' Before the model’s soft-cap.' : nothing}`;
}

export const adds = panel({
  id: 'why_adds',
  view: 'why_adds',
  needs: 'token',
  args: whyArgs,
  lacks,
  fetch,
  title: 'Adds',
  resting: 'Layers down, heads across, then the MLP. Orange: against the target. Press a head to choose it.',
  missing: missingWords,
  lead,
  charts,
  tools: headButtons,
});
