// What can be done with the head that was chosen in a grid: switch it off, scale it, open it; main thread.

import { isChanged, isMean, meanHead, scaleHeads, scaleOf } from '../../page/interventions.js';
import { setLens } from '../../page/choices.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { menuView } from '../controls.js';
import { open } from '../attention/choice.js';
import { chosenHead } from './choice.js';

const SCALES = /** @type {[number | string, string][]} */ ([[1, 'as it is'], [0, 'off (zero)'], ['mean', 'at its mean'], [0.5, '× 0.5'], [2, '× 2'], [-1, '× −1']]);

export function headButtons() {
  const which = chosenHead.value;
  if (!which) return nothing;
  const name = `${which.layer}.${which.head}`;
  return html`<p class="hint">Head <strong>${name}</strong>:
    ${menuView(`Scale of head ${name}`, SCALES, isMean(which) ? 'mean' : scaleOf(which), (scale) => (scale === 'mean' ? void meanHead(which) : scaleHeads([which], Number(scale))), 'The text is read again with this head changed everywhere')}
    <button type="button" class="quiet" @click=${() => { open(which); setLens('attention'); }}>Show its attention</button>
    ${isChanged() ? html`<span>The change is shown under “Interventions”.</span>` : nothing}</p>`;
}
