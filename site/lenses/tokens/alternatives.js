// What the model expected at a token, as bars: each alternative can replace the token or be continued from; main thread.

import { valueOf } from '../../frame/mount.js';
import { set } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { continueFrom, replace } from '../../page/token_edits.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { tokenRow, useButton } from './token_row.js';

/** @import {RunState} from '../../page/state.js' */
/** @typedef {{ rank: number, id: number, name: string, p: number, actual: boolean }} Alternative */

/** How many are listed. @param {RunState} run */
const shown = ({ columns }) => Math.min(state.settings.value.topK, columns.top_ids.width);

/**
 * The most likely tokens, and the actual one if it is not among them.
 * @param {RunState} run @param {number} index of a token that has been read @returns {Alternative[]}
 */
export function alternativesOf(run, index) {
  const { model, tokens, columns } = run;
  const { data: ids, width } = columns.top_ids;
  const actual = tokens.ids[index];
  const row = (/** @type {number} */ rank, /** @type {number} */ id, /** @type {number} */ p) =>
    ({ rank, id, p, actual: id === actual, name: state.nameOfId({ id, text: model.vocabulary(id) || tokens.texts[index] }) });
  const first = index * width;
  const rows = Array.from({ length: shown(run) }, (_, k) => row(k + 1, ids[first + k], columns.top_probabilities.data[first + k])).filter(({ p }) => !Number.isNaN(p)); // a file may not say them
  const rank = columns.rank.data[index];
  return rank > rows.length ? [...rows, row(rank, actual, columns.probability.data[index])] : rows;
}

/** @param {RunState} run @param {number} index of a token that has been read */
export function alternatives(run, index) {
  const rows = alternativesOf(run, index);
  const most = rows[0]?.p || 1;
  const onChange = (/** @type {Event} */ event) =>
    set('topK', Math.max(1, Math.min(run.columns.top_ids.width, Math.round(Number(valueOf(event))) || shown(run))));
  return html`
    <div class="expected" .style=${`--rows:${shown(run)}`}><table class="alternatives">
      <caption>What the model expected here</caption>
      <thead class="sr-only"><tr><th>Rank</th><th>Token</th><th>Bar</th><th>Probability</th><th>Use it</th></tr></thead>
      <tbody>${rows.map((row, i) => [i && row.rank > rows[i - 1].rank + 1 ? html`<tr class="gap"><td colspan="5">⋯</td></tr>` : nothing, alternative(index, row, most)])}</tbody>
    </table></div>
    <label class="field">Alternatives <input type="range" id="top-k" min="1" max=${run.columns.top_ids.width} .value=${String(shown(run))} @input=${onChange}> <output for="top-k">${shown(run)}</output></label>`;
}

/** @param {number} index @param {Alternative} alternative @param {number} most the largest probability, which fills its bar */
function alternative(index, { rank, id, name, p, actual }, most) {
  const ready = state.canRun.value && !state.run.value?.stored;
  return tokenRow({ rank, name, probability: p, actual }, most, html`
    ${actual ? nothing : useButton('⇄', 'Replace with', name, ready, () => replace(index, index + 1, [id]))}
    ${useButton('→', 'Continue from', name, ready, () => continueFrom(index, id))}`);
}
