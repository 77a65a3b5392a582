// What the model expected instead of a token, as bars over the whole vocabulary, each ready to replace it or to continue from; main thread.

import { continueFrom, replace, set } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../shared/token_text.js';
import { count, percent } from '../../frame/format.js';

/** @import {RunState} from '../../page/state.js' */

/** @param {RunState} run @param {number} index of a token that has been read */
export function alternatives({ model, tokens, columns }, index) {
  const { data: ids, width } = columns.top_ids;
  const shown = Math.min(state.settings.value.topK, width);
  const actual = tokens.ids[index];
  const rank = columns.rank.data[index];
  const row = (/** @type {number} */ place, /** @type {number} */ id, /** @type {number} */ p) => alternative(index, place, id, model.vocabulary(id) || tokens.texts[index], p, id === actual);
  const onChange = (/** @type {Event} */ event) => set('topK', Math.max(1, Math.min(width, Number(/** @type {HTMLInputElement} */ (event.target).value) || shown)));
  return html`
    <table class="alternatives">
      <caption>What the model expected here</caption>
      <thead class="sr-only"><tr><th>Rank</th><th>Token</th><th>Bar</th><th>Probability</th><th>Use it</th></tr></thead>
      <tbody>
        ${Array.from({ length: shown }, (_, k) => row(k + 1, ids[index * width + k], columns.top_probabilities.data[index * width + k]))}
        ${rank > shown ? [rank > shown + 1 ? html`<tr class="gap"><td colspan="5">⋯</td></tr>` : nothing, row(rank, actual, columns.probability.data[index])] : nothing}
      </tbody>
    </table>
    <label class="field">Alternatives <input type="range" id="top-k" min="1" max=${width} .value=${String(shown)} @input=${onChange}> <output for="top-k">${shown}</output></label>`;
}

/** @param {number} index @param {number} rank @param {number} id @param {string} text @param {number} p @param {boolean} actual */
function alternative(index, rank, id, text, p, actual) {
  const name = visible(text) || '·';
  const ready = state.canRun.value && !state.run.value?.stored;
  return html`<tr class=${actual ? 'actual' : ''}>
    <td class="rank">${count(rank)}</td>
    <th scope="row"><code>${name}</code>${actual ? html`<span class="sr-only"> (the actual token)</span>` : nothing}</th>
    <td class="bar"><i .style=${`inline-size:${Math.max(100 * p, 0.5)}%`}></i></td>
    <td class="number">${percent(p)}</td>
    <td class="use">
      ${actual ? nothing : html`<button type="button" class="small" ?disabled=${!ready} title="Replace with “${name}”" aria-label="Replace with ${name}" @click=${() => replace(index, index + 1, [id])}>⇄</button>`}
      <button type="button" class="small" ?disabled=${!ready} title="Continue from “${name}”" aria-label="Continue from ${name}" @click=${() => continueFrom(index, id)}>→</button>
    </td>
  </tr>`;
}
