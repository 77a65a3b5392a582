// What is changed inside the model, as chips above the text that can be removed; main thread.

import { addWords, cutWords, headsWords, headWords, isOfMean } from '../page/changes.js';
import { isChanged, removeAll, removeAt, scaleHeads } from '../page/interventions.js';
import * as state from '../page/state.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

const MOST = 3; // heads that have chips of their own at once

/** Whether the chips of more heads are listed too. */
const listed = signal(false);

/** @param {string} words @param {() => void} remove */
const removal = (words, remove) => html`<button type="button" class="quiet" aria-label="Remove: ${words}" title="Remove" @click=${remove}>×</button>`;

/** @param {string} words @param {() => void} remove */
const chip = (words, remove) => html`<span class="chip">${words}${removal(words, remove)}</span>`;

/** One chip for many heads, which lists theirs when it is pressed. @param {import('../shared/protocol.js').Interventions} all */
function groupView(all) {
  const words = headsWords(all);
  return html`<span class="chip"><button type="button" class="quiet chip-list" aria-expanded=${listed.value}
    @click=${() => (listed.value = !listed.value)}>${words} ${listed.value ? '▴' : '▾'}</button>${removal(words, () => scaleHeads(all.heads ?? [], 1))}</span>`;
}

/** Whether the text that is being generated has other interventions: Steer's “before” is without the vector. */
const isWithout = () => {
  const run = state.run.value;
  return run !== null && run.id === state.underWay.value && run.conditions.interventions !== JSON.stringify(state.interventions.value);
};

export function interventionsView() {
  if (!isChanged()) return nothing;
  const all = state.interventions.value;
  const { heads = [], cut = [], add = [] } = all;
  const run = state.run.value;
  const many = heads.length > MOST;
  return html`<div class="chips" role="group" aria-label="Interventions">
    <span class="hint">Changed model:</span>
    ${many ? groupView(all) : nothing}
    ${many && !listed.value ? nothing : heads.map((row) => chip(headWords(all, row), () => scaleHeads([row], 1)))}
    ${cut.map((row, i) => chip(cutWords(row, run), () => removeAt('cut', i)))}
    ${add.map((row, i) => (isOfMean(all, row) ? nothing : chip(addWords(row, run), () => removeAt('add', i))))}
    ${isWithout() ? html`<span class="hint">The text that is being generated is without the vector.</span>` : nothing}
    <button type="button" class="small" @click=${removeAll}>Remove all</button>
  </div>`;
}
