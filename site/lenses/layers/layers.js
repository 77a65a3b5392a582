// What each layer did to the token: the norm of its hidden state, and of what attention and MLP added; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { short } from '../../charts/legend.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';
import { QUANTITIES } from './quantities.js';

/** @import {LayerRow} from '../../shared/protocol.js' */

const COLUMNS = /** @type {const} */ (['hidden_norm', 'change_norm', 'attention_norm', 'mlp_norm']);

/** @param {{ rows: LayerRow[], busiest: string | null }} layers @returns {import('../../charts/bars.js').Bars} */
const chart = ({ rows, busiest }) => ({
  caption: 'L2 norms of each layer at this token',
  columns: ['hidden state', 'change', 'attention', 'MLP'],
  rows: rows.map((row) => ({
    label: row.name,
    marked: row.name === busiest ? 'the largest change' : undefined,
    bars: COLUMNS.map((name) => ({ value: row[name], text: row[name] === null ? '–' : short(row[name]), title: `${QUANTITIES[name]}: ${row[name]}${name === 'change_norm' && row.change_cosine !== null ? `; cosine before and after ${row.change_cosine}` : ''}` })),
  })),
});

export const layers = panel({
  id: 'layers',
  view: 'layers',
  needs: 'token',
  args: (_, token) => ({ token }),
  title: 'Layer-wise activations',
  caption: 'Norm of the token’s hidden state after each layer, and of what each layer’s attention and MLP added to it.',
  how: 'Every layer reads the token’s hidden state and adds the outputs of its attention and of its MLP to it. A bar is the L2 norm of a vector; each column has its own scale. The last hidden state is taken after the final norm, as transformers returns it; changes are taken before it.',
  formula: '‖h‖₂ = √Σ hᵢ²;  change of layer l = ‖h_{l+1} − h_l‖₂',
  source: 'layers.layers, residual.norms, residual.changes',
  body: (answer) => (answer ? html`${answer.json.busiest ? html`<p>The largest change happened in <strong>${answer.json.busiest}</strong>.</p>` : nothing}${barsView(chart(answer.json))}` : waiting()),
  parts: ({ json }) => [barsPart(chart(json))],
});
