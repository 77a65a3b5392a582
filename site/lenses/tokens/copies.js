// Repeated passages: how much easier each was the second time, and at which place in it; main thread.

import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../shared/token_text.js';
import { fixed } from '../../frame/format.js';
import { select } from '../../page/edits.js';
import { inUnit, unit } from '../../frame/units.js';
import { findings } from './findings.js';

/** @import {CopyRow} from '../../shared/protocol.js' */

export function copiesView() {
  const { copies, curve } = findings.value?.json ?? { copies: [], curve: { first: [], later: [], count: [] } };
  if (!copies.length) return nothing;
  return html`<section class="card">
    <h2>Repeated passages</h2>
    <table class="numbers">
      <caption class="hint">Mean surprisal in ${unit()} when a passage came first, and when it came again</caption>
      <thead><tr><th scope="col">Passage</th><th scope="col">Tokens</th><th scope="col">First</th><th scope="col">Again</th></tr></thead>
      <tbody>${copies.map(copyRow)}</tbody>
    </table>
    ${curve.first.length > 1 ? curveTable(curve) : nothing}
  </section>`;
}

/** @param {CopyRow} copy */
function copyRow({ start, source, length, text, first_nats: first, later_nats: later }) {
  const show = (/** @type {number} */ from) => select({ span: { from, to: from + length } });
  return html`<tr>
    <th scope="row"><code class="passage">${visible(text)}</code></th><td>${length}</td>
    <td><button type="button" class="small" @click=${() => show(source)} aria-label="Show the first occurrence">${fixed(inUnit(first))}</button></td>
    <td><button type="button" class="small" @click=${() => show(start)} aria-label="Show this occurrence">${fixed(inUnit(later))}</button></td>
  </tr>`;
}

/** @param {{ first: (number | null)[], later: (number | null)[], count: number[] }} curve nats */
function curveTable({ first, later, count: copies }) {
  const lowest = Math.min(...[...first, ...later].map((value) => value ?? 0));
  const bar = (/** @type {number | null} */ value, /** @type {string} */ kind) => html`<td class="bar ${kind}"><i .style=${`inline-size:${value === null || !lowest ? 0 : (100 * value) / lowest}%`}></i><span>${fixed(inUnit(value))}</span></td>`;
  return html`<details>
    <summary>By place in the passage</summary>
    <table class="numbers curve">
      <caption class="hint">Mean log-probability in ${unit()} of the passages' 1st, 2nd, … token</caption>
      <thead><tr><th scope="col">Place</th><th scope="col">First</th><th scope="col">Again</th><th scope="col">Passages</th></tr></thead>
      <tbody>${first.map((value, i) => html`<tr><th scope="row">${i + 1}</th>${bar(value, 'first')}${bar(later[i], 'later')}<td>${copies[i]}</td></tr>`)}</tbody>
    </table>
  </details>`;
}
