// What each layer did to the token: the norm of its hidden state, and of what attention and MLP added; main thread.

import { rowsScene } from '../../charts/rows.js';
import { short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { layerHeight, QUANTITIES, shortNames } from './rows.js';
import { definition } from './transformer_lab.js';

/** @import {LayerRow} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const COLUMNS = /** @type {const} */ (['hidden_norm', 'change_norm', 'attention_norm', 'mlp_norm']);
const TITLES = ['state', 'change', 'attn.', 'MLP'];

/** @param {LayerRow[]} rows @param {string | null} busiest @returns {ChartOf} */
const chart = (rows, busiest) => ({
  label: `L2 norms at this token: the embeddings and ${rows.length - 1} layers`,
  scene: (width) => rowsScene({
    labels: shortNames(rows.map(({ name }) => name)),
    labelRoom: 40,
    rowHeight: layerHeight(rows.length),
    align: 'end',
    marked: rows.flatMap(({ name }, row) => (name === busiest ? [row] : [])),
    tracks: COLUMNS.map((name, i) => ({
      kind: 'bars', title: TITLES[i], axis: short, series: [{ values: rows.map((row) => row[name]), fill: i ? 'bar' : 'accent' }],
    })),
  }, width),
  say: ({ area, row }) => {
    const { name, change_cosine: cosine } = rows[row];
    const quantity = COLUMNS[area];
    const turned = quantity === 'change_norm' && cosine !== null ? ` · cosine before and after ${short(cosine)}` : '';
    return `${name} · ${QUANTITIES[quantity]}: ${short(rows[row][quantity])}${turned}`;
  },
});

export const layers = panel({
  id: 'layers',
  view: 'layers',
  needs: 'token',
  args: (_, token) => ({ token }),
  title: 'Layer-wise activations',
  resting: `Norms by layer. ${POINT} a bar for its value.`,
  lead: ({ json }) => (json.busiest ? html`The largest change happened in <strong>${json.busiest}</strong>.` : 'Norms after each layer.'),
  charts: ({ json }) => [chart(json.rows, json.busiest)],
  columns: { ...QUANTITIES, name: 'Layer', change_cosine: 'Cosine before and after' },
  more: (isOpen) => definition('layers', isOpen),
});
