// What the token looks at, or what looks at it: whose attention shades the text, and the tokens with the largest weights; main thread.

import { rowsScene } from '../../charts/rows.js';
import { percent } from '../../frame/format.js';
import { isChecked, valueOf } from '../../frame/mount.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { by, complete, direction, head, lackOf, nameOf, picked, pointed, scope, shadingHeads, sinkHidden, subject } from './choice.js';
import { weight } from './shading.js';

/** @import {LooksAt} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const LISTED = 10;
const nameOfToken = (/** @type {number} */ token) => visible(state.run.value?.tokens.texts[token] ?? '') || '·';

/** @param {LooksAt} found @returns {ChartOf} */
function chart({ top, direction: way }) {
  const rows = Array.from({ length: LISTED }, (_, i) => top[i] ?? null);
  return {
    label: way === 'to' ? 'The tokens it looks at most' : 'The tokens that look at it most',
    scene: (width) => rowsScene({
      labels: rows.map((row) => (row ? `${visible(row.text) || '·'} ${row.token + 1}` : '')),
      labelRoom: Math.min(150, width * 0.4),
      rowHeight: 22,
      mono: true,
      tracks: [
        { kind: 'bars', title: 'weight', axis: percent, series: [{ values: rows.map((row) => row?.weight ?? null), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 56, texts: rows.map((row) => (row ? percent(row.weight) : '')) },
      ],
    }, width),
    say: ({ row }) => (rows[row] ? `${visible(rows[row].text) || '·'} (token ${rows[row].token + 1}): ${percent(rows[row].weight)}. Press to go there.` : ''),
    pick: ({ row }) => rows[row] && stepTo(rows[row].token),
  };
}

/** The weight on what is pointed at while another token is pinned, else where the rest of the attention goes. @param {LooksAt} found */
function lead({ token, prefix, sum, direction: way }) {
  const over = state.hovered.value;
  if (over !== null && over !== token) {
    const value = way === 'to' ? weight(token, over) : weight(over, token);
    const [from, to] = way === 'to' ? [token, over] : [over, token];
    return html`<code>${nameOfToken(from)}</code> looks at <code>${nameOfToken(to)}</code>: <strong>${value === null ? 'it cannot see it' : percent(value)}</strong>.`;
  }
  if (way === 'from') return html`Later tokens look at <code>${nameOfToken(token)}</code>: together <strong>${sum.toLocaleString('en', { maximumFractionDigits: 2 })}</strong> tokens’ worth of attention.`;
  return prefix === null ? html`<strong>${percent(sum)}</strong> of the attention is on these tokens.` : html`<strong>${percent(prefix)}</strong> on the prefix token, <strong>${percent(sum)}</strong> on the text.`;
}

function controls() {
  const open = head.value;
  /** @type {[typeof scope.value, string][]} */
  const scopes = [['all', 'All heads'], ['layer', `Layer ${open?.layer ?? ''}`], ['head', `Head ${open ? nameOf(open) : ''}`], ...(picked.value.size ? [/** @type {['picked', string]} */ (['picked', `Picked heads (${picked.value.size})`])] : [])];
  const way = (/** @type {'to' | 'from'} */ id, /** @type {string} */ title) => html`<button type="button" class="small" aria-pressed=${direction.value === id} @click=${() => (direction.value = id)}>${title}</button>`;
  return html`<span class="attention-controls">
    <span class="joined" role="group" aria-label="Direction">${way('to', 'Looks at')}${way('from', 'Looked at by')}</span>
    <select class="quiet" aria-label="Heads" @change=${(/** @type {Event} */ event) => (scope.value = /** @type {any} */ (valueOf(event)))}>${scopes.map(([id, title]) => html`<option value=${id} .selected=${id === scope.value}>${title}</option>`)}</select>
    ${scope.value === 'head' ? nothing : html`<select class="quiet" aria-label="Combined by" @change=${(/** @type {Event} */ event) => (by.value = /** @type {any} */ (valueOf(event)))}><option value="mean" .selected=${by.value === 'mean'}>mean</option><option value="max" .selected=${by.value === 'max'}>maximum</option></select>`}
    <label class="check"><input type="checkbox" .checked=${sinkHidden.value} @change=${(/** @type {Event} */ event) => (sinkHidden.value = isChecked(event))}>Hide the sink</label>
  </span>`;
}

export const looksAt = panel({
  id: 'looks_at',
  view: 'looks_at',
  needs: 'end',
  args: () => (subject.value === null ? null : { token: subject.value, direction: direction.value, heads: shadingHeads(), by: by.value, sink: !sinkHidden.value }),
  lacks: (found) => (pointed.peek() ? null : lackOf(found)), // as in shading.js
  title: 'In the text',
  resting: 'Point at a token of the text, press it to lock it; press it again or Esc to unlock.',
  lead: (answer) => (complete(answer) ? lead(/** @type {LooksAt} */ (answer.json)) : 'Reading the text again for these heads…'),
  controls,
  charts: (answer) => (complete(answer) ? [chart(/** @type {LooksAt} */ (answer.json))] : []),
  prose: {
    caption: 'The text is shaded by how much the token looks at each other one, or how much each other one looks at it.',
    how: 'A head’s weights say how much of what it moves to a token comes from each position before it; a row of weights sums to 1. Several heads are combined weight by weight, as their mean or maximum. The darkest shade is the largest weight in the text. Without the sink, the first position is left out of the combined row and the rest is divided by its sum.',
    formula: 'A[query, key] = softmax(q·kᵀ / √d);  without the sink: A[query, key] / (1 − A[query, 0])',
    source: 'looks.looks_at, patterns.combined, patterns.visible',
  },
});
