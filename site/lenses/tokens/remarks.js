// The tokens that surprised the model most, those less surprising than expected, and word classes; main thread.

import { hover, pin } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../shared/token_text.js';
import { count, fixed, percent } from '../../frame/format.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import { findings } from './findings.js';

/** @import {ClassRow, Remark} from '../../shared/protocol.js' */

export function remarksView() {
  if (!findings.value) return nothing;
  const { surprises, less_surprising, classes, code } = findings.value.json;
  return html`
    <section class="card"><h2>Top surprises</h2>${list(surprises, 'Nothing to list.')}</section>
    <section class="card"><h2>Less surprising than expected</h2><p class="hint">The model was uncertain, yet ranked these first.</p>${list(less_surprising, 'None: no token was less surprising than expected.')}</section>
    <section class="card"><h2>Word classes</h2>${classTable(classes, code)}</section>
  `;
}

/** @param {Remark[]} remarks @param {string} none */
function list(remarks, none) {
  if (!remarks.length) return html`<p class="hint">${none}</p>`;
  return html`<ol class="remarks">${remarks.map(({ token, text, probability, surprisal_nats, expected }) => {
    const chosen = state.pinned.value === token;
    return html`<li><button type="button" aria-pressed=${chosen} @click=${() => pin(token)} @pointerenter=${() => hover(token)} @pointerleave=${() => hover(null)}>
      <code>${visible(text)}</code>
      <span class="aside">${text === expected ? 'expected' : html`not <code>${visible(expected)}</code>`}</span>
      <span class="number">${percent(probability)}</span><span class="number">${amount(surprisal_nats, 1)}</span>
    </button></li>`;
  })}</ol>`;
}

/** @param {ClassRow[]} rows @param {boolean} code */
function classTable(rows, code) {
  return html`<table class="numbers">
    <caption class="hint">Means over the tokens of each class, in ${unit()}; the text was read as ${code ? 'program code' : 'prose'}</caption>
    <thead><tr><th scope="col">Class</th><th scope="col">Tokens</th><th scope="col">Surprisal</th><th scope="col">Entropy</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${row.title}</th><td>${count(row.count)}</td><td>${fixed(inUnit(row.mean_surprisal_nats))}</td><td>${fixed(inUnit(row.mean_entropy_nats))}</td></tr>`)}</tbody>
  </table>`;
}
