// The same step in Transformer Lab's own numbers, for “How is this computed?” of three panels; main thread.

import { fixed, percent } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { TRANSFORMER_LAB } from '../prose.js';
import { ask } from '../scheduler.js';

/** @import {Views} from '../../shared/protocol.js' */

/** Panels whose “How is this computed?” is open. */
const open = signal(/** @type {ReadonlySet<string>} */ (new Set()));

const { answer } = ask({
  view: 'transformer_lab',
  needs: 'pass',
  args(run, token) {
    const { greedy, temperature, topP } = state.settings.value.sampling;
    return state.hasPrediction(run, token) ? { token, temperature: greedy ? 0 : temperature, topP } : null;
  },
  passAt: (_, token) => token - 1,
  seen: () => open.value.size > 0 && state.lens.value === 'layers' && state.hasLayers(),
});

/** @typedef {[name: string, ...values: string[]]} Row */
/** @type {Record<string, { columns: string[], rows: (lab: Views['transformer_lab']['answer']['json']) => Row[] }>} */
const TABLES = {
  choice: {
    columns: ['Token', 'Probability', 'Logit'],
    rows: ({ predictions }) => predictions.map((each) => [state.nameOfId(each), percent(each.probability), fixed(each.logit)]),
  },
  layers: { columns: ['Hidden state', 'Norm'], rows: ({ activations }) => activations.map((value, i) => [String(i), fixed(value, 3)]) },
  focus: { columns: ['Layer', 'Entropy (nats)'], rows: ({ attention_entropy: entropy }) => entropy.map((value, i) => [String(i), fixed(value, 3)]) },
};

/** Transformer Lab's definition and numbers for a panel; they are asked for only while they are seen. @param {string} panel @param {boolean} isOpen */
export function definition(panel, isOpen) {
  if (open.peek().has(panel) !== isOpen) queueMicrotask(() => (open.value = new Set([...open.peek(), panel].filter((each) => each !== panel || isOpen))));
  if (!isOpen) return nothing;
  const { columns, rows } = TABLES[panel];
  const lab = answer.value?.json;
  const run = state.run.value;
  const none = run && !state.hasPrediction(run, state.current.value ?? 0) ? 'First token: no probability.' : run?.done ? 'Computing…' : 'Shown when the run has ended.';
  return html`<div class="transformer-lab"><p>${TRANSFORMER_LAB[panel]}</p>
    ${lab ? html`<div class="scroller" tabindex="0" role="region" aria-label="Transformer Lab’s numbers: ${columns[columns.length > 2 ? 0 : 1]}"><table class="plain"><thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${rows(lab).map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>
      ${panel === 'focus' && !lab.exact ? html`<p class="hint">This text is too long to keep every attention row: the entropies lack the constant, which changes them by less than one part in a million.</p>` : nothing}` : html`<p class="hint">${none}</p>`}</div>`;
}
