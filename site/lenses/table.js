// A panel's numbers as a table on the page: tokens, numbers and units as the page writes them; main thread.

import { count, percent, significant } from '../frame/format.js';
import { inUnit, unit } from '../frame/units.js';
import { labelOf } from '../shared/token_text.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

/** @typedef {{ heading: string, show: (value: number) => string }} Column */

const MOST_ROWS = 1000; // of a table on the page; the CSV has them all
const LEAST = 1e-6; // smaller numbers are not written out
const NATS = /\bnats\b/; // in the names of columns that hold nats
const PROBABILITY = /\bprobability\b/;
const KEY = /^(\d+): (.*)$/s; // a column of an attention matrix

/** @param {number} value */
function number(value) {
  if (Number.isInteger(value)) return count(value);
  if (Math.abs(value) < LEAST) return value > 0 ? '<\u00a00.000001' : '>\u00a0−0.000001';
  return significant(value, 4);
}

const nats = (/** @type {number} */ value) => significant(inUnit(value), 4);

/** How a panel's column reads, whose name in the CSV is this. @param {string} name @param {Record<string, string>} words for names that are code @returns {Column} */
function columnOf(name, words) {
  const key = KEY.exec(name);
  if (key) return { heading: `${key[1]}: ${labelOf(key[2])}`, show: number };
  if (NATS.test(name)) return { heading: name.replace(NATS, unit()), show: nats };
  if (PROBABILITY.test(name)) return { heading: name, show: percent };
  if (name === 'id') return { heading: name, show: String };
  if (name === 'index') return { heading: name, show: (value) => (value < 0 ? 'prefix' : count(value)) };
  return { heading: words[name] ?? name, show: number };
}

/** With signs for the spaces that would not be seen: all but those between words. @param {string} text */
const written = (text) => text.split(/(?<=\S) (?=\S)/).map(labelOf).join(' ');

/** @param {unknown} value @param {Column} column */
function cell(value, { show }) {
  if (value === null) return '–';
  if (typeof value === 'number') return show(value);
  return typeof value === 'string' ? written(value) : value ? 'yes' : '';
}

/**
 * @param {import('../shared/protocol.js').Table | null} table @param {string} title
 * @param {Record<string, string> | null} [words] for columns whose names are code; null: a visitor's own table, whose units are its own
 */
export function tableView(table, title, words = {}) {
  if (!table) return html`<p class="hint">…</p>`;
  const { rows } = table;
  const about = table.about ?? '';
  const columns = table.columns.map((name) => (words ? columnOf(name, words) : { heading: name, show: number }));
  if (NATS.test(about)) for (const column of columns) if (column.show === number) column.show = nats;
  return html`<div class="scroller" tabindex="0" role="region" aria-label="${title}: table">
    <table class="plain">${about ? html`<caption class="hint">${about.replace(NATS, unit())}</caption>` : nothing}<thead><tr>${columns.map(({ heading }) => html`<th scope="col">${heading}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, MOST_ROWS).map((row) => html`<tr>${row.map((value, i) => html`<td>${cell(value, columns[i])}</td>`)}</tr>`)}</tbody></table>
    ${rows.length > MOST_ROWS ? html`<p class="hint">The first ${count(MOST_ROWS)} of ${count(rows.length)} rows; the CSV has all.</p>` : nothing}
  </div>`;
}
