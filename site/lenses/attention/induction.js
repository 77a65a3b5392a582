// Induction at the token: the heads that look at what followed its earlier copies, and how repeats get less surprising; main thread.

import { rowsScene } from '../../charts/rows.js';
import { fixed, percent } from '../../frame/format.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { nameOf, open, subject } from './choice.js';

/** @import {Induction} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** @param {Induction} found @returns {ChartOf} */
const ranking = ({ heads }) => ({
  label: `The ${heads.length} heads that look most at what followed the earlier copies`,
  scene: (width) => rowsScene({
    labels: heads.map(nameOf),
    labelRoom: 44,
    rowHeight: 18,
    align: 'end',
    tracks: [
      { kind: 'bars', title: 'here', axis: percent, most: 1, series: [{ values: heads.map(({ here }) => here), fill: 'accent' }] },
      { kind: 'bars', title: 'on random repeats', axis: percent, most: 1, series: [{ values: heads.map(({ model }) => model), fill: 'bar' }] },
    ],
  }, width),
  say: ({ row }) => `Head ${nameOf(heads[row])} · ${percent(heads[row].here)} here · ${heads[row].model === null ? 'not measured' : percent(heads[row].model)} on repeated random tokens. Press to open it.`,
  pick: ({ row }) => open(heads[row]),
});

/** @param {Induction} found @returns {ChartOf} */
const curves = ({ curve: { first, later, count } }) => ({
  label: `Surprisal by place in the repeated passages, first and later occurrences, ${first.length} places`,
  scene: (width) => rowsScene({
    labels: first.map((_, place) => String(place + 1)),
    labelRoom: 44,
    rowHeight: 16,
    align: 'end',
    tracks: [{ kind: 'bars', title: '', axis: (value) => `${fixed(value, 1)} ${unit()}`, series: [{ values: first.map(inUnit), fill: 'bar', name: 'first' }, { values: later.map(inUnit), fill: 'accent', name: 'later' }] }],
  }, width),
  say: ({ row }) => `Place ${row + 1} of ${count[row]} repeated passages · first ${amount(first[row])} · later ${amount(later[row])}`,
});

/** @param {Induction} found */
function lead({ text, after, heads, chance }) {
  const name = html`<code>${visible(text) || '·'}</code>`;
  if (!after.length) return html`${name} occurs for the first time here. Choose a token that repeats an earlier passage.`;
  return html`${name} occurred before; then came ${after.slice(0, 3).map((each, i) => html`${i ? ', ' : ''}<code>${visible(each.text) || '·'}</code>`)}${after.length > 3 ? ' …' : ''}. Head <strong>${nameOf(heads[0])}</strong> looks there with ${percent(heads[0].here)}; evenly spread, it would be ${percent(chance)}.`;
}

/** @param {Induction} found */
const passages = ({ passages: list }) => (list.length ? html`<p class="hint similar">Repeated passages: ${list.map((each) => html`<button type="button" class="peak small" @click=${() => stepTo(each.token)}>${visible(each.text.length > 40 ? `${each.text.slice(0, 40)}…` : each.text)}</button> `)}</p>` : html`<p class="hint">This text repeats no passage of three tokens or more.</p>`);

export const induction = panel({
  id: 'induction',
  view: 'induction',
  needs: 'end',
  args: () => (subject.value === null ? null : { token: subject.value }),
  title: 'Induction',
  resting: 'Point at a bar for its value.',
  lead: ({ json }) => lead(json),
  charts: ({ json }) => [...(json.heads.length ? [ranking(json)] : []), ...(json.curve.first.length ? [curves(json)] : [])],
  below: ({ json }) => (json ? passages(json) : nothing),
  prose: {
    caption: 'An induction head looks from a repeated token to the token that followed it before, and so predicts it again.',
    how: 'For each head, the attention from this token to all tokens that follow an earlier copy of it. Beside it, the head’s score on random tokens read twice, measured when the model was built. The curve is the mean surprisal of the repeated passages of this text by place, at their first and later occurrences.',
    formula: 'Σ A[query, k + 1] over the earlier positions k of the same token',
    source: 'induction.induction, heads.pattern_mass, repeats.second_copy_curve',
  },
});
