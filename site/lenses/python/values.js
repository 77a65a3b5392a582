// Shows what a user's code gave: colours of the text, a heatmap, a table, a picture, words or an error; main thread.

import { Chart } from '../../charts/chart.js';
import { pictureFiles, saveCsv, svgFiles, WIDTH } from '../../charts/files.js';
import { keyOf, rowsScene } from '../../charts/rows.js';
import { theme, themed } from '../../charts/theme.js';
import { count, significant } from '../../frame/format.js';
import { COARSE } from '../../frame/pointer.js';
import { valueCsv } from '../../page/lab.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { filesView } from '../panel.js';
import { tableView } from '../table.js';

/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {CodeAnswer, HeatmapValue, PictureValue} from '../../shared/lab_protocol.js' */

const CSV = { CSV: async () => saveCsv('tokenlight-python', await valueCsv()) };

/** @type {Chart | null} */
let chart = null;
/** The answer that the chart shows, and the address of the picture and the theme it is in. */
let drawn = { answer: /** @type {CodeAnswer | null} */ (null), picture: '', theme: '' };

/** @param {CodeAnswer | null} answer @param {boolean} isOfOther whether it is about another run than the one shown */
export function valueView(answer, isOfOther) {
  const isNew = answer !== drawn.answer;
  if (isNew) {
    if (drawn.picture) URL.revokeObjectURL(drawn.picture);
    drawn = { answer, picture: '', theme: '' };
  }
  if (!answer) return nothing;
  const { json: value } = answer;
  if (value.kind === 'error') return value.stopped ? html`<p class="hint">${value.error}</p>` : errorView(value.error);
  if (value.kind === 'colours') return isOfOther ? html`<p class="hint">These colours are of another run. Run the code again to colour this one.</p>` : coloursView(value.values, value.text);
  return html`${ownView(answer, isNew)}${isOfOther ? html`<p class="hint">Computed for another run. Run the code again for this one.</p>` : nothing}`;
}

/** @param {CodeAnswer} answer neither an error nor colours @param {boolean} isNew */
function ownView(answer, isNew) {
  const { json: value } = answer;
  if (value.kind === 'text') return html`<pre class="code-text" tabindex="0">${value.text}</pre>`;
  if (value.kind === 'table') {
    return html`${tableView(value, 'Value', null)}<div class="panel-foot">${filesView('Table', CSV)}</div>${value.length > value.rows.length ? html`<p class="hint">The first ${count(value.rows.length)} of ${count(value.length)} rows.</p>` : nothing}`;
  }
  if (value.kind === 'heatmap') return heatmapView(value, answer, isNew);
  return value.kind === 'picture' ? pictureView(value) : nothing;
}

/** As an image it runs no scripts and loads nothing. @param {PictureValue} value */
function pictureView({ svg, title }) {
  if (drawn.theme !== theme.value && drawn.picture) URL.revokeObjectURL(drawn.picture);
  if (drawn.theme !== theme.value || !drawn.picture) {
    drawn = { ...drawn, theme: theme.value, picture: URL.createObjectURL(new Blob([themed(svg)], { type: 'image/svg+xml' })) };
  }
  const name = title || 'Picture made by the code';
  return html`<div class="picture-room" tabindex="0" role="group" aria-label=${name}><img class="code-picture" src=${drawn.picture} alt=${name}></div><div class="panel-foot">${filesView(name, svgFiles('tokenlight-python', () => themed(svg)))}</div>`;
}

/** What went wrong, which may be long, before where. @param {string} error a traceback, or a sentence */
function errorView(error) {
  const lines = error.split('\n');
  const said = lines.findLastIndex((line) => /^\S/.test(line) && !line.startsWith('Traceback')); // its message may have several lines
  const [trace, words] = [lines.slice(0, Math.max(0, said)), lines.slice(Math.max(0, said))];
  return html`<div class="code-error" role="alert" tabindex="0"><strong>${words.join('\n')}</strong>${trace.length ? html`<div class="code-trace">${trace.join('\n')}</div>` : nothing}</div>`;
}

/** What colours the text, and the value of the token in question. @param {(number | string | null)[]} values [token] @param {string} words */
function coloursView(values, words) {
  const token = state.hovered.value ?? state.current.value;
  const value = token === null ? undefined : values[token];
  const own = value === undefined || token === null ? nothing : html` · <code>${state.nameOfToken(token)}</code> ${typeof value === 'number' ? number(value) : (value ?? '–')}`;
  return html`<p class="hint">Colours the text${words ? `: ${words}` : ''}${own}</p>${values.length ? html`<div class="panel-foot">${filesView('Values', CSV)}</div>` : nothing}`;
}

/** Four digits, with a true minus sign. @param {number} value */
const number = (value) => (Number.isInteger(value) ? String(value).replace('-', '−') : significant(value, 4));

/** @param {HeatmapValue} value @param {CodeAnswer} answer @param {boolean} isNew */
function heatmapView(value, answer, isNew) {
  const of = heatmap(value, answer);
  chart ??= new Chart({ resting: COARSE ? 'Touch a cell for its value.' : 'Point at a cell for its value, or use the arrow keys.' });
  if (isNew) chart.show(of);
  const files = pictureFiles(() => ({ name: 'tokenlight-python', title: 'Python', note: state.run.value?.model.name ?? '', scenes: [of.scene(WIDTH)] }));
  return html`${chart.element}<div class="panel-foot">${filesView('Heatmap', { ...files, ...CSV })}</div>`;
}

/** @param {HeatmapValue} value @param {CodeAnswer} answer @returns {ChartOf} */
function heatmap({ rows, columns, row_names, column_names, palette: name, stops }, { arrays }) {
  const palette = state.paletteOf(name);
  const labels = Array.from({ length: rows }, (_, row) => (row_names ? visible(row_names[row]) : String(row)));
  const of = (/** @type {number} */ column) => (column_names ? visible(column_names[column]) : String(column));
  const room = rows === 1 ? 8 : row_names ? 84 : 8 + 8 * String(rows - 1).length;
  return {
    label: `Heatmap of ${rows} by ${columns} numbers`,
    scene: (width) => rowsScene({
      labels: rows === 1 ? [''] : labels,
      labelRoom: room,
      rowHeight: Math.max(3, Math.min(22, Math.floor(420 / rows))),
      align: 'end',
      mono: row_names !== null,
      tracks: [{ kind: 'cells', title: '', levels: arrays.levels?.data ?? [], columns, palette, key: keyOf(stops, number), ends: [of(0), of(columns - 1)], narrowest: 2, widest: 28 }],
    }, width),
    say: ({ row, column }) => `${rows === 1 ? '' : `${labels[row]} · `}${of(column)} · ${cell(arrays.values?.data[row * columns + column])}`,
  };
}

/** @param {number | undefined} value */
const cell = (value) => (value === undefined || Number.isNaN(value) ? 'no number' : number(value));
