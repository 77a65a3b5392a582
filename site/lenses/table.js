// A panel's numbers as a table on the page; main thread.

import { count } from '../frame/format.js';
import { visible } from '../shared/token_text.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

const MOST_ROWS = 1000; // of a table on the page; the CSV has them all

/** @param {unknown} value */
function cell(value) {
  if (value === null) return '–';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  return typeof value === 'string' ? visible(value).replaceAll('␣', ' ') : value ? 'yes' : '';
}

/** @param {import('../shared/protocol.js').Table | null} table @param {string} title */
export function tableView(table, title) {
  if (!table) return html`<p class="hint">…</p>`;
  const { columns, rows } = table;
  return html`<div class="scroller" tabindex="0" role="region" aria-label="${title}: table">
    <table class="plain"><thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, MOST_ROWS).map((row) => html`<tr>${row.map((value) => html`<td>${cell(value)}</td>`)}</tr>`)}</tbody></table>
    ${rows.length > MOST_ROWS ? html`<p class="hint">The first ${count(MOST_ROWS)} of ${count(rows.length)} rows; the CSV has all.</p>` : nothing}
  </div>`;
}
