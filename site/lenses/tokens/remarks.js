// The tokens that surprised the model most, those less surprising than expected, and word classes; main thread.

import { saveCsv } from '../../charts/files.js';
import { count, fixed, percent } from '../../frame/format.js';
import { inUnit, unit } from '../../frame/units.js';
import { hover, pin } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { filesView } from '../panel.js';
import { codeButton } from '../python/panel_code.js';
import { alternativesOf } from './alternatives.js';
import { findings, findingsCsv } from './findings.js';

/** @import {ClassRow, Remark} from '../../shared/protocol.js' */

const FILES = { CSV: async () => saveCsv('tokenlight-findings', await findingsCsv()) };

export function remarksView() {
  if (!findings.value || !state.text.value) return nothing;
  const { surprises, less_surprising, classes, code } = findings.value.json;
  const files = state.run.value?.stored ? nothing : filesView('Lists of the Tokens lens', FILES);
  return html`
    <section class="card"><div class="row spread"><h2>Top surprises</h2><span class="hint">${unit()} ${codeButton('remarks', 'What stands out', () => ({}), true)}</span></div>${list(surprises, 'None: every token is the one that the model expected most.')}</section>
    <section class="card"><div class="row spread"><h2 title="The model was uncertain, yet ranked these first.">Less surprising than expected</h2><span class="hint">${unit()}</span></div>${list(less_surprising, 'None: no uncertain prediction was right.')}</section>
    <section class="card"><div class="row spread"><h2>Word classes</h2>${files}</div>${classTable(classes, code)}</section>
  `;
}

/** @param {Remark[]} remarks @param {string} none */
function list(remarks, none) {
  if (!remarks.length) return html`<p class="hint">${none}</p>`;
  const run = state.run.value;
  return html`<ol class="remarks">${remarks.map(({ token, probability, surprisal_nats }) => {
    const chosen = state.pinned.value === token;
    const expected = run && token < run.count ? alternativesOf(run, token)[0] : null;
    return html`<li><button type="button" aria-pressed=${chosen} title="${percent(probability)} · token ${count(token + 1)}" @click=${() => pin(token)} @pointerenter=${() => hover(token)} @pointerleave=${() => hover(null)}>
      <code>${state.nameOfToken(token)}</code>
      <span class="aside">${!expected || expected.actual ? nothing : html`not <code>${expected.name}</code>`}</span>
      <span class="number">${fixed(inUnit(surprisal_nats), 1)}</span>
    </button></li>`;
  })}</ol>`;
}

/** @param {ClassRow[]} rows @param {boolean} code */
function classTable(rows, code) {
  return html`<table class="numbers">
    <caption class="hint">Means in ${unit()}; read as ${code ? 'program code' : 'prose'}</caption>
    <thead><tr><th scope="col">Class</th><th scope="col">Tokens</th><th scope="col">Surprisal</th><th scope="col">Entropy</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${row.title}</th><td>${count(row.count)}</td><td>${fixed(inUnit(row.mean_surprisal_nats))}</td><td>${fixed(inUnit(row.mean_entropy_nats))}</td></tr>`)}</tbody>
  </table>`;
}
