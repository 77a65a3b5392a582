// Patch: the residual stream of the pinned text copied into this one, cell by cell, and what that does to the prediction; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { signed } from '../../frame/format.js';
import { inUnit, unit } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import { computeMissing } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { labelOf } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { menuView, pinView, settingMenu } from '../controls.js';
import { panel } from '../panel.js';

/** @import {PatchGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @typedef {Views['patch']['answer']} Answer */

/** The chosen tokens, of one run; with none, Python chooses. @typedef {{ run: number | null, target: number | null, versus: number | null }} Asked */
const asked = signal(/** @type {Asked} */ ({ run: null, target: null, versus: null }));
/** The run whose grid is being computed. */
const sweeping = signal(/** @type {number | null} */ (null));
/** The cell that was pressed. */
const cell = signal(/** @type {{ run: number, layer: number, token: number } | null} */ (null));

/** How texts of different lengths are aligned; '': not yet. */
const align = signal('');
const ALIGNMENTS = { '': 'choose…', start: 'from the start', end: 'from the end', both: 'the beginning and end in common' };

const runId = computed(() => state.run.value?.id ?? null);
const chosen = () => (asked.value.run === runId.value ? asked.value : { target: null, versus: null });
const isSweeping = () => sweeping.value !== null && sweeping.value === runId.value;
const change = (/** @type {number} */ nats) => signed(inUnit(nats));
const nameOf = (/** @type {PatchGrid} */ { layers }, /** @type {number} */ row) => (row < layers ? `layer ${row}` : 'final norm');

/** Why there is no grid; null if there may be one. */
function missing() {
  const pinned = state.pinnedReading.value;
  if (!pinned) return 'Pin this text as A, then change some of its tokens. The grid shows what A’s residual stream, copied in at a layer and position, does to the prediction.';
  return pinned.runId === runId.value ? 'This text is pinned as A. Now change some of its tokens, or read another text.' : null;
}

function controls(/** @type {Answer | null} */ answer) {
  const left = answer && answer.json.why_not === null && answer.json.done < answer.json.of;
  return html`<span class="attention-controls">
    ${missing() || !left ? nothing : isSweeping()
      ? html`<button type="button" class="small" @click=${() => (sweeping.value = null)}>Cancel</button>`
      : html`<button type="button" class="small" @click=${() => (sweeping.value = runId.value)}>Compute the grid</button>`}
    ${state.pinnedReading.value?.runId === runId.value ? nothing : pinView('Pin this text as A')}
  </span>`;
}

/** What is asked: the target, and rather than which. @param {PatchGrid} json */
function question(json) {
  const { target, versus, offered } = json;
  const each = new Map([...offered.a, ...offered.b, target, ...(versus ? [versus] : [])].map(({ id, text }) => [id, text]));
  const menu = (/** @type {number | null} */ without) => /** @type {[number | string, string][]} */ ([...each].filter(([id]) => id !== without).map(([id, text]) => [id, labelOf(text)]));
  const choose = (/** @type {Partial<Asked>} */ given) => void (asked.value = { target: target.id, versus: versus?.id ?? null, ...given, run: runId.value });
  return html`<span class="why-question">Towards ${menuView('Target', menu(versus?.id ?? null), target.id, (id) => choose({ target: Number(id) }))}
    rather than ${menuView('Rather than', [['', 'nothing: its log-probability alone'], ...menu(target.id)], versus?.id ?? '', (id) => choose({ versus: id === '' ? null : Number(id) }))}</span>`;
}

/** How they are aligned, if they differ in length. @param {number[]} counts of the tokens of A and B */
const alignment = ([a, b]) => (a && b && a !== b ? html`<span class="why-question">A has ${a} tokens, this text ${b}. Aligned: ${settingMenu('Aligned', ALIGNMENTS, align)}</span> ` : nothing);

function lead(/** @type {Answer} */ { json }) {
  if (json.why_not !== null) return html`${json.why_not} ${alignment(json.counts)}`;
  const { of_a: a, of_b: b, done, of, versus } = json;
  const progress = done === of ? '' : isSweeping() ? html` <strong>Computing… ${done} of ${of}</strong>` : done ? html` ${done} of ${of} computed.` : '';
  return html`${alignment(json.counts)}${question(json)} ${versus ? 'Difference of log-probabilities' : 'Log-probability'}, ${unit()}: ${change(b)} here, ${change(a)} after A.${progress}`;
}

/** @param {Answer} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  if (json.why_not !== null) return [];
  const { layers, columns, begin, palette, stops, texts, a_texts: other } = json;
  const values = arrays.deltas.data;
  const rows = Array.from({ length: layers + 1 }, (_, row) => row);
  const inA = (/** @type {number} */ token) => {
    const own = other[token];
    return own === null ? ', nothing of A' : own === texts[token] ? '' : `, in A ${labelOf(own)}`;
  };
  const place = (/** @type {number} */ token) => `${labelOf(texts[token])} (${token + 1})${inA(token)}`;
  const token = state.current.value ?? -1;
  return [{
    label: `Change by the layer and the token that are copied, ${layers + 1} × ${columns}`,
    scene: (width) => rowsScene({
      labels: rows.map((row) => (row < layers ? String(row) : 'norm')), labelRoom: 40, rowHeight: layers > 20 ? 12 : 18, align: 'end',
      tracks: [{
        kind: 'cells', title: `Δ ${unit()}`, levels: arrays.levels.data, columns, palette: state.paletteOf(palette), key: keyOf(stops, change),
        ends: [labelOf(texts[0]), labelOf(texts[columns - 1])], widest: 44, narrowest: 8,
      }],
    }, width),
    say: ({ row, column }) => {
      const value = values[row * columns + column];
      const outside = column < begin || (row === layers && column < columns - 1) || other[column] === null;
      const said = outside ? 'cannot change anything, exactly 0' : Number.isNaN(value) ? 'not computed yet' : `${change(value)} ${unit()}`;
      return `${nameOf(json, row)} · ${place(column)}: ${said}`;
    },
    pick: ({ row, column }) => {
      cell.value = { run: /** @type {number} */ (runId.value), layer: row, token: column };
      stepTo(column);
    },
    frames: [...(begin ? [{ from: 0, to: begin, kind: /** @type {const} */ ('span') }] : []), { from: token, to: token + 1, kind: 'mark' }],
  }];
}

/** The pressed cell as a share of the whole change. @param {Answer} answer */
function below({ json, arrays }) {
  if (json.why_not !== null) return nothing;
  const { value: at } = cell;
  const value = at && at.run === runId.value ? arrays.deltas.data[at.layer * json.columns + at.token] : NaN;
  const whole = json.of_a - json.of_b;
  if (!at || Number.isNaN(value)) return html`<p class="hint">${cone(json)}</p>`;
  const share = whole ? `, ${Math.round((100 * value) / whole)}% of the way to A` : '';
  return html`<p class="hint">${cone(json)} <strong>${nameOf(json, at.layer)}, ${labelOf(json.texts[at.token])} (${at.token + 1})</strong>:
    ${change(value)} ${unit()}${share}.</p>`;
}

/** Which tokens can change the prediction. @param {PatchGrid} json */
const cone = ({ begin, counts }) => (counts[0] !== counts[1] ? 'Where nothing of A is aligned, nothing is copied.' : begin
  ? `Both texts begin with the same ${begin === 1 ? 'token' : `${begin} tokens`}: copying there changes nothing.`
  : 'Every token can change the prediction.');

export const patch = panel({
  id: 'patch',
  view: 'patch',
  needs: 'end',
  started: isSweeping,
  args: () => (missing() ? null : { target: chosen().target, versus: chosen().versus, align: align.value || null, sweep: isSweeping() }),
  lacks: ({ json }) => json.missing,
  fetch: (run, lacking) => computeMissing(run, lacking),
  code: () => (state.pinnedReading.value ? { other: state.pinnedReading.value.text } : {}),
  title: 'Patch',
  resting: 'Point at a cell for its value. Blue: copying from A makes the target likelier.',
  missing,
  controls,
  lead,
  charts,
  below,
});
