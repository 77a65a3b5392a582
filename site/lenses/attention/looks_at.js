// What the token looks at, or what looks at it: which heads shade the text, and the tokens with the largest weights; main thread.

import { rowsScene } from '../../charts/rows.js';
import { count, fixed, percent, shareEnd } from '../../frame/format.js';
import { COARSE } from '../../frame/pointer.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { checkView, menuView, settingMenu } from '../controls.js';
import { panel } from '../panel.js';
import { by, complete, direction, head, missingAttention, nameOf, noWeight, pickedHere, pointed, scope, scopeHere, shadingHeads, shadingWords, sinkHidden, subject } from './choice.js';
import { weight } from './shading.js';

/** @import {LooksAt} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const LISTED = 10; // tokens
const COMBINED = { mean: 'mean', max: 'maximum' };
const { nameOfToken } = state;

/** @param {LooksAt} answer @returns {ChartOf} */
function chart({ token, top, direction: way }) {
  const name = nameOfToken(token);
  const rows = Array.from({ length: Math.min(LISTED, state.run.value?.count ?? 0) }, (_, i) => top[i] ?? null); // as many for every token: nothing moves
  return {
    label: `${way === 'to' ? `The tokens that ${name} looks at most` : `The tokens that look at ${name} most`} · ${shadingWords()}`,
    scene: (width) => rowsScene({
      labels: rows.map((row) => (row ? `${nameOfToken(row.token)} ${count(row.token + 1)}` : '')),
      labelRoom: Math.min(150, width * 0.4),
      rowHeight: 22,
      mono: true,
      tracks: [
        { kind: 'bars', title: 'weight', axis: shareEnd, series: [{ values: rows.map((row) => row?.weight ?? null), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 56, texts: rows.map((row) => (row ? percent(row.weight) : '')) },
      ],
    }, width),
    say: ({ row }) => (rows[row] ? `${nameOfToken(rows[row].token)} (token ${count(rows[row].token + 1)}): ${percent(rows[row].weight)}. Press to go there.` : ''),
    pick: ({ row }) => rows[row] && stepTo(rows[row].token),
  };
}

/** The weight between the pinned token and the one pointed at; without the two, how much attention the text takes. @param {LooksAt} answer */
function lead({ token, prefix, sum, direction: way }) {
  const over = state.hovered.value;
  if (over !== null && over !== token) {
    const value = way === 'to' ? weight(token, over) : weight(over, token);
    const [from, to] = way === 'to' ? [token, over] : [over, token];
    return html`<code>${nameOfToken(from)}</code> looks at <code>${nameOfToken(to)}</code>: <strong>${value === null ? noWeight(from, to) : percent(value)}</strong>.`;
  }
  const total = fixed(sum);
  if (way === 'from') return html`<code>${nameOfToken(token)}</code> gets <strong>${total}</strong> tokens’ worth of attention from this text.`;
  if (prefix === null) return html`<strong>${percent(sum)}</strong> of the attention is on these tokens.`;
  return html`<strong>${percent(prefix)}</strong> on the prefix token, <strong>${percent(sum)}</strong> on the text.`;
}

function controls() {
  const open = head.value;
  const scopes = {
    all: 'All heads',
    layer: `Layer ${open?.layer ?? ''}`,
    head: `Head ${open ? nameOf(open) : ''}`,
    ...(pickedHere.value.length ? { picked: `Picked heads (${pickedHere.value.length})` } : {}),
  };
  const way = (/** @type {'to' | 'from'} */ id, /** @type {string} */ title) =>
    html`<button type="button" class="small" aria-pressed=${direction.value === id} @click=${() => (direction.value = id)}>${title}</button>`;
  return html`<span class="attention-controls">
    <span class="joined" role="group" aria-label="Direction">${way('to', 'Looks at')}${way('from', 'Looked at by')}</span>
    ${menuView('Heads', Object.entries(scopes), scopeHere.value, (value) => (scope.value = /** @type {typeof scope.value} */ (value)))}
    ${scopeHere.value === 'head' ? nothing : settingMenu('Combined by', COMBINED, by)}
    ${checkView('Hide the sink', sinkHidden)}
  </span>`;
}

export const looksAt = panel({
  id: 'looks_at',
  view: 'looks_at',
  needs: 'end',
  args() {
    const token = subject.value;
    return token === null ? null : { token, direction: direction.value, heads: shadingHeads(), by: by.value, sink: !sinkHidden.value };
  },
  lacks: (answer) => (pointed.peek() ? null : missingAttention(answer)), // as in shading.js
  title: 'In the text',
  resting: COARSE ? 'Touch a token in the text to pin it; touch it again to unpin it.' : 'Point at a token in the text, or press it to pin it. Press it again, or Esc, to unpin it.',
  lead: (answer) => (complete(answer) ? lead(/** @type {LooksAt} */ (answer.json)) : 'Reading the text again for these heads…'),
  controls,
  charts: (answer) => (complete(answer) ? [chart(/** @type {LooksAt} */ (answer.json))] : []),
});
