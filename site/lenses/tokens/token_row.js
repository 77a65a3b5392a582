// A row of a table of likely tokens: rank, token, bar and probability, and buttons that use the token; main thread.

import { count, percent } from '../../frame/format.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';

/**
 * @param {{ rank: number, name: string, probability: number, actual?: boolean }} token actual: whether it is the text's own
 * @param {number} most the largest probability, which fills its bar @param {unknown} buttons
 */
export const tokenRow = ({ rank, name, probability, actual = false }, most, buttons) => html`<tr class=${actual ? 'actual' : ''}>
  <td class="rank">${count(rank)}</td>
  <th scope="row"><code>${name}</code>${actual ? html`<span class="sr-only"> (the actual token)</span>` : nothing}</th>
  <td class="bar"><i .style=${`inline-size:${Math.max((100 * probability) / most, 0.5)}%`}></i></td>
  <td class="number">${percent(probability)}</td>
  <td class="use">${buttons}</td>
</tr>`;

/** @param {string} sign @param {string} does what the button does, before the token's name @param {string} name @param {boolean} ready @param {() => unknown} act */
export const useButton = (sign, does, name, ready, act) =>
  html`<button type="button" class="small" ?disabled=${!ready} title="${does} “${name}”" aria-label="${does} ${name}" @click=${act}><span aria-hidden="true">${sign}</span></button>`;
