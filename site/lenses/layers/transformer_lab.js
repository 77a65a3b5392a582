// The same step as Transformer Lab's “Model Activations” shows it, with its own numbers; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { fixed, percent } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting, waitingForPass } from '../panel.js';

/** @import {Views} from '../../shared/protocol.js' */

/** Whether the panel is shown. */
export const transformerLabShown = signal(false);

/** @param {Views['transformer_lab']['answer']['json']} lab @returns {import('../../charts/bars.js').Bars[]} */
function charts(lab) {
  const simple = (/** @type {string} */ caption, /** @type {number[]} */ values) => ({
    caption,
    columns: [caption],
    rows: values.map((value, i) => ({ label: `Layer ${i}`, bars: [{ value, text: fixed(value, 3), title: String(value) }] })),
  });
  return [
    {
      caption: 'Token predictions',
      columns: ['Token predictions'],
      rows: lab.predictions.map(({ text, probability, logit }) => ({ label: visible(text) || '·', bars: [{ value: probability, text: `${percent(probability)} · logit ${fixed(logit)}`, title: `probability ${probability}, logit ${logit}` }] })),
    },
    simple('Layer-wise activations', lab.activations),
    simple('Attention entropy', lab.attention_entropy),
  ];
}

/** Whether there is a position before the token. @param {import('../../page/state.js').RunState} run @param {number} token */
const hasBefore = (run, token) => token > 0 || run.conditions.prefix !== null;

export const transformerLab = panel({
  id: 'transformer_lab',
  view: 'transformer_lab',
  needs: 'pass',
  args(run, token) {
    const { greedy, temperature, topP } = state.settings.value.sampling;
    return hasBefore(run, token) ? { token, temperature: greedy ? 0 : temperature, topP } : null;
  },
  passAt: (_, token) => token - 1,
  hidden: () => !transformerLabShown.value,
  title: 'Transformer Lab’s numbers',
  caption: 'Exactly what Transformer Lab’s “Model Activations” computes for the step that chose this token.',
  how: 'Its five predictions have the probability after temperature and top-p (its other filters are not applied there) and the model’s own logit. Activations are norms of the hidden states at the last position before the token, embeddings first. Attention entropy is that of the last query, mean over heads, with its small constant in the logarithm. The other panels use the whole row, no constant, and the token’s own position.',
  formula: '‖h_l[last]‖₂;  −Σ p·ln(p + 1e−9), mean over heads',
  source: 'choosing.transformer_lab, transformerlab.py',
  body(answer) {
    const run = state.run.value;
    if (!answer) return run && !hasBefore(run, state.current.value ?? 0) ? waiting('First token: no probability.') : waitingForPass();
    return html`<div class="thirds">${charts(answer.json).map(barsView)}</div>${answer.json.exact ? nothing : html`<p class="hint">This text is too long to keep every attention row: the entropies are given without the constant, which changes them by less than one part in a million.</p>`}`;
  },
  parts: ({ json }) => charts(json).map(barsPart),
});
