// What is changed inside the model, as chips above the text that can be removed; main thread.

import { count } from '../frame/format.js';
import { isChanged, isMean, removeAll, removeAt, scaleHeads } from '../page/interventions.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

const MOST = 8; // heads with a chip of their own

/** A position as the user knows it: the token's text, or the prefix. @param {number} position */
function nameOf(position) {
  const run = state.run.value;
  const token = position - (run && run.conditions.prefix === null ? 0 : 1);
  if (token < 0) return 'the prefix token';
  return run && token < run.tokens.ids.length ? `${state.nameOfToken(token)} (${count(token + 1)})` : `token ${count(token + 1)}`;
}

/** @param {string} words @param {() => void} remove */
const chip = (words, remove) => html`<span class="chip">${words}<button type="button" class="quiet" aria-label="Remove: ${words}" title="Remove" @click=${remove}>×</button></span>`;

/** Whether the text that is being generated has other interventions: Steer's “before” is without the vector. */
const isWithout = () => {
  const run = state.run.value;
  return run !== null && run.id === state.underWay.value && run.conditions.interventions !== JSON.stringify(state.interventions.value);
};

/** @param {number} scale */
const scaled = (scale) => (scale === 0 ? 'off' : `× ${scale}`);

export function interventionsView() {
  if (!isChanged()) return nothing;
  const { heads = [], cut = [], add = [] } = state.interventions.value;
  const few = heads.length <= MOST;
  const off = heads.every(({ scale }) => scale === 0);
  return html`<div class="chips" role="group" aria-label="Interventions">
    <span class="hint">Changed model:</span>
    ${few
      ? heads.map((row) => chip(`head ${row.layer}.${row.head} ${isMean(row) ? 'at its mean' : scaled(row.scale)}`, () => scaleHeads([row], 1)))
      : chip(`${heads.length} heads ${off ? 'off' : 'scaled'}`, () => scaleHeads(heads, 1))}
    ${cut.map(({ query, keys, layers }, i) => chip(
      `${query === null ? 'no token' : nameOf(query)} ${query === null ? 'looks' : 'not looking'} at ${keys.length > 3 ? `${count(keys.length)} tokens` : keys.map(nameOf).join(', ')}${layers ? ` in ${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}` : ''}`,
      () => removeAt('cut', i)))}
    ${add.map(({ layer, position, head }, i) => (few && head !== undefined && position === null && isMean({ layer, head }) ? nothing : chip(
      `vector added ${head === undefined ? `before layer ${layer}` : `to head ${layer}.${head}`}${position === null ? '' : ` at ${nameOf(position)}`}`,
      () => removeAt('add', i))))}
    ${isWithout() ? html`<span class="hint">The text that is being generated is without the vector.</span>` : nothing}
    <button type="button" class="small" @click=${removeAll}>Remove all</button>
  </div>`;
}
