// Fill in the blank: candidates ranked from the left alone and with what follows; main thread.

import { count, percent } from '../../frame/format.js';
import { valueOf } from '../../frame/mount.js';
import { select } from '../../page/choices.js';
import { stop } from '../../page/runs.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { live } from '../../vendor/lit-html/directives/live.js';
import { codeButton } from '../python/panel_code.js';
import { blank, isWritten, rank, ranking, use, words } from './blanks.js';

/** @import {Ranked} from '../../shared/protocol.js' */
/** @import {Blank, Ranking} from './blanks.js' */

export function fillInView() {
  return html`
    <div class="row spread"><h2>Fill in the blank</h2>${blank.value ? codeButton('fill-in', 'Fill in the blank', settings, true) : nothing}</div>
    ${blank.value ? form(blank.value) : html`<p class="hint">Select tokens, or write <code>___</code> in the text: the model ranks what could stand there.</p>`}
    ${ranking.value ? results(ranking.value) : nothing}
  `;
}

/** What its Python is about: the blank as it was read, and the candidates as they were ranked. */
function settings() {
  if (!blank.value) return {};
  const { left, right, written } = blank.value;
  const candidates = ranking.value?.ranked?.map(({ ids }) => ids) ?? (written ? [written] : []);
  // The space before a typed blank belongs to the word.
  return { left: typeof left === 'string' ? left.replace(/ $/, '') : left, right, ...(candidates.length ? { candidates } : {}) };
}

/** @param {Blank} blank */
function form({ before, after, inside, written, from }) {
  const busy = ranking.value !== null && ranking.value.ranked === null;
  const onSubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void rank();
  };
  const onClear = () => {
    select({ span: null });
    getSelection()?.removeAllRanges();
  };
  return html`
    <p class="context" translate="no" dir="auto"><span>${before}</span><mark>${!written ? inside : written.length === 1 ? state.nameOfToken(from) : visible(inside)}</mark><span>${after}</span></p>
    <form class="row" @submit=${onSubmit}>
      <label class="grow">Also rank these words (comma-separated)
        <input id="words" autocomplete="off" .value=${live(words.value)} @input=${(/** @type {Event} */ event) => (words.value = valueOf(event))}></label>
      ${busy ? html`<button type="button" id="stop-ranking" @click=${stop}>Stop</button>` : html`<button id="rank" class="primary" ?disabled=${!state.canRun.value}>Rank candidates</button>`}
      ${written ? html`<button type="button" @click=${onClear}>Clear selection</button>` : nothing}
    </form>`;
}

/** @param {Ranking} ranking */
function results({ blank, done, all, ranked, error }) {
  if (error) return html`<p class="hint" role="alert">${error}</p>`;
  if (!ranked) return html`<p class="hint">${all ? `Scored ${count(done)} of ${count(all)}` : 'Reading the text before the blank…'}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Ranked candidates"><table class="numbers" id="ranking">
    <caption class="hint">Left context only: p(candidate | left), over the whole vocabulary. Both sides: p(candidate | left) · p(right | left, candidate), as a share among these candidates.</caption>
    <thead><tr><th scope="col">Candidate</th><th scope="col" colspan="2">Left context only</th><th scope="col" colspan="2">Both sides</th><th scope="col"><span class="sr-only">Use it</span></th></tr></thead>
    <tbody>${ranked.map((candidate) => row(blank, candidate))}</tbody>
  </table></div>`;
}

/** @param {Blank} into @param {Ranked} candidate */
function row(into, candidate) {
  const { ids, text, probability, share } = candidate;
  const name = ids.length === 1 ? state.nameOfId({ id: ids[0], text }) : visible(text);
  const written = isWritten(into, candidate);
  const bar = (/** @type {number} */ p) => html`<td class="bar"><i .style=${`inline-size:${Math.max(100 * p, 0.5)}%`}></i></td><td>${percent(p)}</td>`;
  return html`<tr class=${written ? 'actual' : ''}>
    <th scope="row"><code>${name}</code>${written ? html` <span class="hint">as written</span>` : nothing}</th>
    ${bar(probability)}${bar(share)}
    <td>${written ? nothing : html`<button type="button" class="small" ?disabled=${!state.canRun.value} title="Replace with “${name}”" aria-label="Replace with ${name}" @click=${() => use(into, candidate)}><span aria-hidden="true">⇄</span></button>`}</td>
  </tr>`;
}
