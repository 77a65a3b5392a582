// Patch: the residual stream or a head’s output of the pinned text copied into this one, and what that does to the prediction; main thread.

import { count, signed } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { change, unit } from '../../frame/units.js';
import { computeMissing } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { signal } from '../../vendor/signals-core.js';
import { menuView, pinView } from '../controls.js';
import { panel } from '../panel.js';
import { alignmentLine, alignmentView, isUnaligned } from './alignment.js';
import { chooseHead, lacksHeadOutputs } from './choice.js';
import { headButtons } from './heads.js';
import { gridChart, patchedHeadCharts, placeOf } from './patch_charts.js';
import { askTowards, copied, COPIED, isSweeping, patchArgs, setSweeping } from './patch_choice.js';

/** @import {PatchGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Cell} from './patch_charts.js' */
/** @typedef {Views['patch']['answer']} Answer */

const NO_HEADS = 'This model was exported without its heads’ outputs. Choose another, or copy the residual stream.';

const UNALIGNED = 'Choose how they are aligned, pair their tokens below, or change a text so that both have the same number of tokens.';

/** The cell that was pressed, of one run and one kind of grid. */
const cell = signal(/** @type {{ run: number, heads: boolean, at: Cell } | null} */ (null));

const isSame = () => state.pinnedReading.value !== null && !state.isComparing.value;
/** Whether the grid is of heads. */
const ofHeads = () => copied.value !== 'residual';

/** Why there is no grid; null if there may be one. */
function missing() {
  if (!state.pinnedReading.value) return 'Pin this text as A, then change some of its tokens. The grid shows what A’s residual stream, copied in at a layer and position, does to the prediction; or one head’s output.';
  return isSame() ? 'This text is pinned as A. Now change some of its tokens, or read another text.' : null;
}

function controls(/** @type {Answer | null} */ answer) {
  const left = answer && answer.json.why_not === null && answer.json.done < answer.json.of;
  return html`<span class="attention-controls">
    ${missing() || !left ? nothing : isSweeping()
      ? html`<button type="button" class="small" @click=${() => setSweeping(false)}>Cancel</button>`
      : html`<button type="button" class="small" @click=${() => setSweeping(true)}>Compute the grid</button>`}
    ${isSame() ? nothing : pinView('Pin this text as A')}
  </span>`;
}

const copiedMenu = () => html`<span class="why-question">Copy from A ${menuView('What is copied', Object.entries(COPIED), copied.value, (value) => (copied.value = /** @type {keyof typeof COPIED} */ (value)))}</span> `;

/** What is asked: the target, and rather than which. @param {PatchGrid} json */
function question({ target, versus, offered }) {
  const each = new Map([...offered.a, ...offered.b, target, ...(versus ? [versus] : [])].map((token) => [token.id, token]));
  const menu = (/** @type {number | null} */ without) => /** @type {[number | string, string][]} */ ([...each].filter(([id]) => id !== without).map(([id, token]) => [id, state.nameOfId(token)]));
  return html`<span class="why-question">Towards ${menuView('Target', menu(versus?.id ?? null), target.id, (id) => askTowards({ target: Number(id), versus: versus?.id ?? null }))}
    rather than ${menuView('Rather than', [['', 'nothing: its log-probability alone'], ...menu(target.id)], versus?.id ?? '', (id) => askTowards({ target: target.id, versus: id === '' ? null : Number(id) }))}</span>`;
}

function lead(/** @type {Answer} */ { json }) {
  const asked = html`${copiedMenu()}${alignmentLine(json.alignment)}`;
  if (json.why_not !== null) return html`${asked}${ofHeads() && lacksHeadOutputs() ? NO_HEADS : isUnaligned(json.alignment) ? UNALIGNED : json.why_not}`;
  const { of_a: a, of_b: b, done, of, versus } = json;
  const progress = done === of ? '' : isSweeping() ? html` <strong>Computing… ${count(done)} of ${count(of)}</strong>` : done ? html` ${count(done)} of ${count(of)} computed.` : '';
  return html`${asked}${question(json)} ${versus ? 'Difference of log-probabilities' : 'Log-probability'}, ${unit()}: ${change(b)} here, ${change(a)} after A.${progress}`;
}

/** @param {Cell} at */
function press(at) {
  cell.value = { run: Number(state.run.value?.id), heads: ofHeads(), at };
  if (ofHeads()) chooseHead(at.row, at.column);
}

/** @param {Answer} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  if (json.why_not !== null) return [];
  return json.heads ? patchedHeadCharts({ json, arrays }, press) : [gridChart({ json, arrays }, press)];
}

/** The pressed cell as a share of the whole change, and both texts. @param {Answer} answer */
function below({ json, arrays }) {
  if (json.why_not !== null) return alignmentView(json.alignment);
  const at = cell.value?.run === state.run.value?.id && cell.value?.heads === json.heads ? cell.value?.at : undefined;
  const [value, share] = [arrays.deltas, arrays.shares].map(({ data }) => (at ? data[at.row * json.columns + at.column] : NaN));
  const part = Number.isNaN(share) ? '' : `, ${signed(100 * share, 0)}% of the way to A`;
  return html`<p class="hint">${reach(json)} ${!at || Number.isNaN(value) ? nothing : html`<strong>${placeOf(json, at)}</strong>: ${change(value)} ${unit()}${part}.`}</p>
    ${json.heads ? headButtons() : nothing}${alignmentView(json.alignment)}`;
}

/** Which tokens can change the prediction. @param {PatchGrid} json */
function reach({ begin, of, heads, token, alignment: { origin } }) {
  const place = token === null ? '' : `${state.nameOfToken(token)} (${count(token + 1)})`;
  if (heads && of && token !== null) return `Copied at ${place}.`;
  if (heads && !of) return token === null ? 'No aligned token of A could change anything here.' : `At ${place}, every head’s output is the same in A: choose a later token, or one that is aligned with a token of A.`;
  if (!of) return 'Only the beginning that both texts share is aligned, so copying it changes nothing.';
  if (origin.includes(null)) return 'Unaligned tokens are skipped.';
  return begin ? `Both texts begin with the same ${begin === 1 ? 'token' : `${count(begin)} tokens`}: copying there changes nothing.` : 'Every token can change the prediction.';
}

export const patch = panel({
  id: 'patch',
  view: 'patch',
  needs: 'end',
  started: isSweeping,
  args: (_, token) => (missing() ? null : patchArgs(token)),
  lacks: ({ json }) => json.missing,
  fetch: computeMissing,
  code: () => (state.pinnedReading.value ? { other: state.pinnedReading.value.text } : {}),
  title: 'Patch',
  resting: `${POINT} a cell for its value. Blue: copying from A makes the target likelier.`,
  missing,
  controls,
  lead,
  charts,
  below,
});
