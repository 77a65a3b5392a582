// The logit lens at the token: what each layer would already say comes next; main thread.

import { barsPart } from '../../charts/bars.js';
import { lightDark } from '../../charts/theme.js';
import { fixed, percent } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting, waitingForPass } from '../panel.js';

/** @import {LogitLens} from '../../shared/protocol.js' */

const hasLens = () => Boolean(state.run.value?.model.lens);

/** @param {LogitLens} lens */
function table({ layers, next, palette: name }) {
  const palette = state.palettes.value?.[name];
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Logit lens, by layer"><table class="plain lens">
    <thead><tr><th scope="col">after</th><th scope="col">rank</th><th scope="col">KL</th><th scope="col" colspan="3">most likely next</th></tr></thead>
    <tbody>${layers.map((row) => html`<tr>
      <th scope="row">${row.name}</th>
      <td title=${row.probability ?? ''}>${row.rank?.toLocaleString('en') ?? '–'}</td><td title=${row.divergence ?? ''}>${fixed(row.divergence)}</td>
      ${row.top.slice(0, 3).map((top) => html`<td class=${top.id === next?.id ? 'next' : ''} title="${top.text} ${top.probability}"><span class="chip"><i .style=${palette ? `background:${lightDark(palette, top.level)}` : ''}></i><code>${visible(top.text) || '·'}</code> <small>${percent(top.probability)}</small></span></td>`)}
    </tr>`)}
    </tbody></table></div>`;
}

/** @param {LogitLens} lens */
const shown = (lens) => html`<p>${lens.next ? html`The next token is <code>${visible(lens.next.text)}</code>. ` : 'This is the end of the text. '}<code>${visible(lens.layers[lens.layers.length - 1].top[0].text)}</code> is the top prediction from <strong>${lens.settled}</strong> on.</p>${table(lens)}`;

export const logitLens = panel({
  id: 'lens',
  view: 'lens',
  needs: 'pass',
  args: (_, token) => (hasLens() ? { token, topK: 5 } : null),
  passAt: (_, token) => token,
  title: 'Logit lens',
  caption: 'What the model would say comes next if it stopped after each layer.',
  how: 'The hidden state after each layer goes through the final norm and the output matrix, as if it were the last. Rank: that of the actual next token. KL: how far the layer’s distribution is from the final one, in nats (0 at the end).',
  formula: 'softmax(W_U · norm(h_l));  KL(final ‖ layer) = Σ p_final · (ln p_final − ln p_layer)',
  source: 'activations.lens_layers, lens.read',
  body: (answer) => (!hasLens() ? waiting('This model was exported without the logit lens.') : answer ? shown(answer.json) : waitingForPass()),
  parts: ({ json }) => [barsPart({ caption: '', columns: ['most likely next token', 'KL to the final (nats)'], rows: json.layers.map((row) => ({ label: row.name, bars: [{ value: row.top[0].probability, text: `${visible(row.top[0].text)} ${percent(row.top[0].probability)}` }, { value: row.divergence, text: fixed(row.divergence) }] })) })],
});
