// Needs: what changes if a token is hidden from the position that predicts, or a head is off; and with less context; main thread.

import { rowsScene } from '../../charts/rows.js';
import { countOf, fixed } from '../../frame/format.js';
import { change, inUnit, unit, unitEnd } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { checkView, menuView } from '../controls.js';
import { panel } from '../panel.js';
import { isSeen } from '../in_sight.js';
import { ask } from '../scheduler.js';
import { both, chooseHead, fetch, isTogether, lacks, lacksHeadOutputs, meanAblation, missingWords, progress, setTogether, versus, whyArgs, wholeText } from './choice.js';
import { headCharts } from './head_charts.js';
import { headButtons } from './heads.js';
import { largestChart } from './tokens.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {RunState} from '../../page/state.js' */

/** @param {RunState} run @param {number} token */
const args = (run, token) => {
  const own = whyArgs(run, token);
  return own && { ...own, both: both.value && versus.value !== null };
};

const compared = () => (versus.value === null ? nothing : checkView('Δ of the difference', both));

export const hidden = panel({
  id: 'why_tokens',
  view: 'why_tokens',
  needs: 'token',
  args,
  lacks,
  fetch,
  title: 'Needs: earlier tokens',
  missing: missingWords,
  controls: () => html`<span class="attention-controls">${compared()}</span>`,
  lead: (answer) => progress(answer) || html`Each token hidden from the position that predicts. Δ ${answer.json.versus && both.value ? 'of the difference of log-probabilities' : 'log-probability'}, ${unit()}.${answer.json.prefix === null ? '' : ` Prefix token: ${change(answer.json.prefix)}.`}`,
  charts: ({ json }) => [largestChart(json.largest, 'change if hidden', `Δ ${unit()}`, change, unitEnd)],
});

/** Why heads cannot be replaced by their mean; null if they can, or need not. */
const lacksMeans = () => (meanAblation.value && lacksHeadOutputs() ? 'Mean ablation needs the heads’ outputs, which this model was exported without. Choose another model, or zero ablation.' : null);

/** @param {RunState} run @param {number} token */
const headArgs = (run, token) => {
  const own = lacksMeans() ? null : args(run, token);
  return own && { ...own, whole_text: wholeText.value, mean: meanAblation.value };
};

const several = ask({
  view: 'why_together', needs: 'token', lacks, fetch, seen: () => isSeen('why_heads') && state.hasLayers(),
  args: (run, token) => (isTogether.value ? headArgs(run, token) : null),
});

/** The most needed heads off together, beside the sum of their own changes. @param {Views['why_heads']['answer']} answer */
function togetherView({ json }) {
  if (json.missing) return nothing;
  const answer = isTogether.value && several.fits.value ? several.answer.value : null;
  if (!isTogether.value) return html`<p class="why-tools"><button type="button" class="small" @click=${() => setTogether(true)}>Off together: the ${json.few} most needed</button></p>`;
  const { heads: named, sum, together, take_over: takeOver } = answer?.json ?? {};
  if (!named || sum === undefined || together === undefined) return html`<p class="hint">Computing…</p>`;
  return html`<p class="hint" id="off-together">Heads ${named.map(({ layer, head }) => `${layer}.${head}`).join(', ')} off together: <strong>${change(together)}</strong> ${unit()}; the sum of each alone: <strong>${change(sum)}</strong>.
    ${takeOver ? 'Together they cost more than the sum: when one is off alone, another takes over (backup heads).' : 'Together they cost no more than the sum: none of them is seen to take over for another.'}</p>`;
}

export const heads = panel({
  id: 'why_heads',
  view: 'why_heads',
  needs: 'token',
  args: headArgs,
  lacks,
  fetch,
  title: 'Needs: heads',
  resting: 'Orange: the target is less likely without the head. Press a head to choose it.',
  missing: () => missingWords() ?? lacksMeans(),
  controls: () => html`<span class="attention-controls">${menuView('Where heads are off', [['last', 'Off at this position'], ['text', 'Off in the whole text']], wholeText.value ? 'text' : 'last', (value) => (wholeText.value = value === 'text'))}
    ${menuView('What stands in for a head', [['zero', 'Zero ablation'], ['mean', 'Mean ablation']], meanAblation.value ? 'mean' : 'zero', (value) => (meanAblation.value = value === 'mean'))}
    ${compared()}${wholeText.value ? html`<button type="button" class="small" @click=${() => (wholeText.value = false)}>Cancel</button>` : nothing}</span>`,
  lead: (answer) => progress(answer) || html`Each head ${meanAblation.value ? 'replaced by its mean over this text (mean ablation)' : 'switched off (zero ablation)'} ${wholeText.value ? 'in the whole text' : 'at the position that predicts'}. Other heads may take over, so small changes do not prove that a head does nothing.`,
  charts: ({ json, arrays }) => headCharts(json, arrays, {
    label: `Change with each of ${json.layers} × ${json.columns} heads off`,
    done: ' off',
    press: chooseHead,
  }),
  below: togetherView,
  tools: headButtons,
});

export const context = panel({
  id: 'why_context',
  view: 'why_context',
  needs: 'token',
  args: whyArgs,
  lacks,
  fetch,
  title: 'Needs: context',
  missing: missingWords,
  lead: (answer) => progress(answer) || `Log-probability after only the last 1, 2, 4 … tokens before it, ${unit()}.`,
  charts: ({ json, arrays }) => {
    const values = Array.from(arrays.logprobs.data);
    return [{
      label: 'Log-probability by the length of the context',
      scene: (width) => rowsScene({
        labels: json.lengths.map((n) => countOf(n, 'token')), labelRoom: 84, rowHeight: 20,
        tracks: [
          { kind: 'bars', title: `log-probability, ${unit()}`, axis: unitEnd, series: [{ values: values.map((value) => (Number.isNaN(value) ? null : value)), fill: 'bar' }] },
          { kind: 'numbers', title: '', room: 56, texts: values.map((value) => fixed(inUnit(value))) },
        ],
      }, width),
      say: ({ row }) => `after the last ${countOf(json.lengths[row], 'token')}: ${fixed(inUnit(values[row]))} ${unit()}`,
    }];
  },
});
