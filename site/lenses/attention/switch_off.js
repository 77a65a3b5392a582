// Switches heads off where they are found, and on again: the same interventions as the Why lens's; main thread.

import { scaleHeads, scaleOf } from '../../page/interventions.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { nameOf } from './choice.js';

/** @import {Head} from './choice.js' */

/** A button that switches heads off or, if all of them are, on again. @param {Head[]} which @param {string} words what they are */
export function switchView(which, words) {
  if (!which.length) return nothing;
  const isOff = which.every((each) => scaleOf(each) === 0);
  const action = isOff ? 'Switch on' : 'Switch off';
  return html`<button type="button" class="small" aria-label="${action}: ${words}" title="The text is read again ${isOff ? 'with' : 'without'} ${which.map(nameOf).join(', ')}"
    @click=${() => scaleHeads(which, isOff ? 1 : 0)}>${action}${which.length > 1 ? ` (${which.length})` : ''}</button>`;
}
