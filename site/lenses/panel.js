// A panel from its descriptor: what it asks, its frame with title, caption and how it is computed, its table, PNG and CSV; main thread.

import { picture, save } from '../charts/picture.js';
import { dark } from '../charts/theme.js';
import { isSeen } from './in_sight.js';
import { tell, watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { visible } from '../shared/token_text.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { ask } from './scheduler.js';

/** @import {ViewName, Views} from '../shared/protocol.js' */
/** @import {Part} from '../charts/picture.js' */
/** @import {Question} from './scheduler.js' */
/** @import {ReadonlySignal} from '../vendor/signals-core.js' */

const MOST_ROWS = 1000; // of a table on the page; the CSV has them all

/** A panel as a lens lists it. @typedef {{ id: string, title: string, mount: (place: HTMLElement) => void, hidden?: () => boolean, csv?: () => Promise<string> }} Panel */

/**
 * @template {ViewName} Name @template Canvas
 * @typedef {Pick<Question<Name>, 'view' | 'needs' | 'args' | 'passAt'> & {
 *   id: string, title: string, caption: string, how: string, formula: string, source: string,
 *   canvas?: (answer: ReadonlySignal<Views[Name]['answer'] | null>) => Canvas,
 *   draw?: (canvas: Canvas, answer: Views[Name]['answer'] | null) => void,
 *   body: (answer: Views[Name]['answer'] | null, canvas: Canvas) => unknown,
 *   parts: (answer: Views[Name]['answer'], canvas: Canvas) => Part[],
 *   hidden?: () => boolean
 * }} Descriptor
 *   how: words around the formula; source: names of the Python functions; canvas: elements that outlive a drawing, brought
 *   up to date by `draw`; parts: of the saved picture
 */

/**
 * @template {ViewName} Name @template [Canvas=null]
 * @param {Descriptor<Name, Canvas>} descriptor
 * @returns {Panel}
 */
export function panel(descriptor) {
  const { id, title, caption, how, formula, source, view, needs, args, passAt, draw, hidden } = descriptor;
  const open = signal(false);
  const seen = () => isSeen(id) && !hidden?.();
  const asked = ask({ view, needs, args, passAt, seen, table: () => open.value });
  const canvas = /** @type {Canvas} */ (descriptor.canvas ? descriptor.canvas(asked.answer) : null);
  const name = () => `tokenlight-${id.replaceAll('_', '-')}-${(state.current.value ?? 0) + 1}`;
  const onPng = async () => {
    const { value } = asked.answer;
    if (value) await picture(title, caption, descriptor.parts(value, canvas)).then((blob) => save(`${name()}.png`, blob)).catch(tell);
  };
  const onCsv = () => asked.csv().then((csv) => save(`${name()}.csv`, new Blob([csv], { type: 'text/csv;charset=utf-8' }))).catch(tell);
  const onToggle = (/** @type {Event} */ event) => (open.value = /** @type {HTMLDetailsElement} */ (event.target).open);
  const frame = () => html`
    <div class="row spread"><h2>${title}</h2><span class="files">
      <button type="button" class="small" aria-label="${title}: save as PNG" @click=${onPng}>PNG</button>
      <button type="button" class="small" aria-label="${title}: save as CSV" @click=${onCsv}>CSV</button>
    </span></div>
    <p class="hint">${caption}</p>
    ${descriptor.body(asked.answer.value, canvas)}
    <div class="panel-foot">
      <details><summary>How is this computed?</summary><p>${how}</p><p class="formula"><code>${formula}</code></p><p class="hint">Computed by <code>${source}</code></p></details>
      <details @toggle=${onToggle}><summary>As a table</summary>${open.value ? tableView(asked.table.value, title) : nothing}</details>
    </div>`;
  return {
    id,
    title,
    hidden,
    csv: asked.csv,
    mount(place) {
      watch(id, () => {
        if (!seen()) return;
        render(frame(), place);
        place.dataset.token = String(/** @type {any} */ (asked.answer.value?.json)?.token ?? ''); // which token it shows
      });
      if (draw)
        watch(`${id}, drawing`, () => {
          dark.value;
          if (seen() && state.palettes.value) draw(canvas, asked.answer.value);
        });
    },
  };
}

/** @param {import('../shared/protocol.js').Table | null} table @param {string} title */
function tableView(table, title) {
  if (!table) return html`<p class="hint">…</p>`;
  const { columns, rows } = table;
  const cell = (/** @type {unknown} */ value) => (value === null ? '–' : typeof value === 'number' ? (Number.isInteger(value) ? String(value) : value.toPrecision(4)) : typeof value === 'string' ? visible(value).replaceAll('␣', ' ') : value ? 'yes' : '');
  return html`<div class="scroller" tabindex="0" role="region" aria-label="${title}: table">
    <table class="plain"><thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, MOST_ROWS).map((row) => html`<tr>${row.map((value) => html`<td>${cell(value)}</td>`)}</tr>`)}</tbody></table>
    ${rows.length > MOST_ROWS ? html`<p class="hint">The first ${MOST_ROWS} of ${rows.length} rows; the CSV has all.</p>` : nothing}
  </div>`;
}

/** What stands in a panel that has no answer yet. @param {string} words */
export const waiting = (words = '…') => html`<p class="hint waiting">${words}</p>`;

/** The same for panels that run a position again. */
export const waitingForPass = () => waiting(state.run.value?.done ? 'Computing…' : 'Shown when the run has ended.');

/** A panel without frame: the caller's template. @param {{ id: string, title: string, view: () => unknown, lens: typeof state.LENSES[number] }} descriptor @returns {Panel} */
export const plainPanel = ({ id, title, view, lens }) => ({
  id,
  title,
  mount: (place) =>
    void watch(id, () => {
      if (state.lens.value === lens) render(view(), place);
    }),
});
