// One word in numbers: how likely it was as a whole, and its tokens; main thread.

import { count, countOf, fixed, percent } from '../../frame/format.js';
import { amount, inUnit, unit } from '../../frame/units.js';
import { pin } from '../../page/choices.js';
import { closeSheetView } from '../controls.js';
import { shownTexts, tokenName, visible } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';

/** @import {RunState} from '../../page/state.js' */

/**
 * @param {RunState} run @param {NonNullable<ReturnType<typeof import('../../page/state.js').wordAt>>} word
 * @param {number} token the one that is pointed at or pinned @param {boolean} pinned
 */
export function wordView(run, { index, first, stop }, token, pinned) {
  const { tokens, columns } = run;
  const words = /** @type {import('../../shared/protocol.js').Words} */ (run.words);
  const value = (/** @type {keyof typeof words} */ name) => words[name].data[index];
  const places = Array.from({ length: stop - first }, (_, i) => first + i);
  const text = visible(shownTexts(tokens).slice(first, stop).join(''));
  const list = [
    ['Probability', percent(value('probability'))],
    ['Surprisal', amount(value('word_surprisal_corrected'))],
    ['Sum of its tokens', amount(value('word_surprisal'))],
  ];
  const known = !Number.isNaN(value('probability'));
  return html`
    <div class="about">
      <h2><code>${text}</code></h2>
      <span class="hint">Word ${count(index + 1)} of ${count(words.probability.data.length)} · ${countOf(places.length, 'token')}</span>
      <button type="button" class="quiet" id="pin" aria-pressed=${pinned} @click=${() => pin(pinned ? null : token)}>${pinned ? 'Unpin' : 'Pin'}</button>${closeSheetView()}
    </div>
    ${known ? html`<dl class="facts">${list.map(([name, shown]) => html`<div><dt>${name}</dt><dd>${shown}</dd></div>`)}</dl>` : html`<p class="hint">It begins with the first token, which has no probability.</p>`}
    <table class="alternatives" id="word-tokens">
      <caption>Its tokens</caption>
      <thead><tr><th>token</th><th class="number">probability</th><th class="number">${unit()}</th></tr></thead>
      <tbody>${places.map((i) => html`<tr>
        <th scope="row"><code>${tokenName(tokens, i)}</code></th>
        <td class="number">${percent(columns.probability.data[i])}</td>
        <td class="number">${fixed(inUnit(columns.surprisal.data[i]))}</td>
      </tr>`)}</tbody>
    </table>
    <p class="hint">Surprisal also counts the end of the word: how likely it was that no further token of it follows. In return, it leaves out what the first token says about the word before: that it had ended. So it differs a little from the sum (Pimentel and Meister 2024).</p>`;
}
