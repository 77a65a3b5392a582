// Induction at the token: the heads that look at what followed its earlier copies, and how repeats get less surprising; main thread.

import { rowsScene } from '../../charts/rows.js';
import { countOf, percent, shareEnd, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { excerpt, visible } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { nameOf, open, subject } from './choice.js';

/** @import {Induction} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

const LONGEST = 40; // characters of a passage that are shown

/** @param {Induction} answer @returns {ChartOf} */
const ranking = ({ heads }) => ({
  label: `The ${heads.length} heads that look most at what followed the earlier copies`,
  scene: (width) => rowsScene({
    labels: heads.map(nameOf),
    labelRoom: 44,
    rowHeight: 18,
    align: 'end',
    tracks: [
      { kind: 'bars', title: 'here', axis: shareEnd, most: 1, series: [{ values: heads.map(({ here }) => here), fill: 'accent' }] },
      { kind: 'bars', title: 'on random repeats', axis: shareEnd, most: 1, series: [{ values: heads.map(({ model }) => model), fill: 'bar' }] },
    ],
  }, width),
  say: ({ row }) => {
    const { here, model } = heads[row];
    return `Head ${nameOf(heads[row])} · ${percent(here)} here · ${model === null ? 'not measured' : percent(model)} on repeated random tokens. Press to open it.`;
  },
  pick: ({ row }) => open(heads[row]),
});

/** @param {Induction} answer @returns {ChartOf} */
const curves = ({ curve: { first, later, count } }) => ({
  label: `Surprisal by place in the repeated passages, first and later occurrences, ${first.length} places`,
  scene: (width) => rowsScene({
    labels: first.map((_, place) => String(place + 1)),
    labelRoom: 44,
    rowHeight: 16,
    align: 'end',
    tracks: [{
      kind: 'bars', title: '', axis: (value) => `${short(value)} ${unit()}`,
      series: [{ values: first.map(inUnit), fill: 'bar', name: 'first' }, { values: later.map(inUnit), fill: 'accent', name: 'later' }],
    }],
  }, width),
  say: ({ row }) => `Place ${row + 1} in ${countOf(count[row], 'repeated passage')} · first ${amount(first[row])} · later ${amount(later[row])}`,
  resting: `${POINT} a place in the repeated passages for its surprisal.`,
});

/** @param {Induction} answer */
function lead({ token, after, heads, chance }) {
  const name = html`<code>${state.nameOfToken(token)}</code>`;
  if (!after.length) return html`${name} occurs for the first time here. Choose a token that repeats an earlier passage.`;
  const names = after.map((each) => state.nameOfToken(each.token));
  const followers = [...new Set(names)];
  const often = (/** @type {string} */ each) => {
    const times = names.filter((other) => other === each).length;
    return times === 1 ? '' : times === 2 ? ' (twice)' : ` (${times} times)`;
  };
  const listed = followers.slice(0, 3).map((each, i) => html`${i ? ', ' : ''}<code>${each}</code>${often(each)}`);
  return html`${name} occurred before, followed by ${listed}${followers.length > 3 ? ' …' : ''}. Head <strong>${nameOf(heads[0])}</strong> puts ${percent(heads[0].here)} of its attention there; spread evenly, it would be ${percent(chance)}.`;
}

/** @param {Induction} answer */
function passages({ passages: list }) {
  if (!list.length) return html`<p class="hint">This text repeats no passage of three tokens or more.</p>`;
  const button = (/** @type {Induction['passages'][number]} */ { token, text }) =>
    html`<button type="button" class="peak small" @click=${() => stepTo(token)}>${visible(excerpt(text, LONGEST))}</button> `;
  return html`<p class="hint similar">Repeated passages: ${list.map(button)}</p>`;
}

export const induction = panel({
  id: 'induction',
  view: 'induction',
  needs: 'end',
  args: () => (subject.value === null ? null : { token: subject.value }),
  title: 'Induction',
  resting: `${POINT} a bar for its value.`,
  lead: ({ json }) => lead(json),
  charts: ({ json }) => [...(json.heads.length ? [ranking(json)] : []), ...(json.curve.first.length ? [curves(json)] : [])],
  below: ({ json }) => passages(json),
});
