// The tokens that surprised the model most, those it won most easily, and kinds of words; main thread.

import * as actions from '../../actions.js';
import * as state from '../../state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../token_text.js';
import { count, fixed, percent } from '../format.js';
import { findings } from './state.js';

/** @import {ClassRow, Remark} from './state.js' */

export function remarksView() {
  const shown = findings.value;
  if (!shown) return nothing;
  const { surprises, less_surprising, classes, code } = shown.found;
  return html`
    <section class="card"><h2>Top surprises</h2>${list(surprises, 'Nothing to list.')}</section>
    <section class="card"><h2>Less surprising than expected</h2><p class="hint">The model was uncertain, yet ranked these first</p>${list(less_surprising, 'None: nothing was easier than the model expected.')}</section>
    <section class="card"><h2>Kinds of words</h2>${classTable(classes, code)}</section>
  `;
}

/** @param {Remark[]} remarks @param {string} none */
function list(remarks, none) {
  if (!remarks.length) return html`<p class="hint">${none}</p>`;
  return html`<ol class="remarks">${remarks.map(({ token, text, probability, surprisal_nats, expected }) => {
    const chosen = state.pinned.value === token;
    return html`<li><button type="button" aria-pressed=${chosen} @click=${() => actions.pin(token)} @pointerenter=${() => actions.hover(token)} @pointerleave=${() => actions.hover(null)}>
      <code>${visible(text)}</code>
      <span class="aside">${text === expected ? 'expected' : html`not <code>${visible(expected)}</code>`}</span>
      <span class="number">${percent(probability)}</span><span class="number">${fixed(surprisal_nats)} nats</span>
    </button></li>`;
  })}</ol>`;
}

/** @param {ClassRow[]} rows @param {boolean} code */
function classTable(rows, code) {
  return html`<table class="numbers">
    <caption class="hint">Means over the tokens of each kind; the text was read as ${code ? 'program code' : 'prose'}</caption>
    <thead><tr><th scope="col">Kind</th><th scope="col">Tokens</th><th scope="col">Surprisal (nats)</th><th scope="col">Entropy (nats)</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${row.title}</th><td>${count(row.count)}</td><td>${fixed(row.mean_surprisal_nats)}</td><td>${fixed(row.mean_entropy_nats)}</td></tr>`)}</tbody>
  </table>`;
}
