// What is known about the graphics card, in one or two sentences, and the offer to use it; main thread.

import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { fixed, percent } from './format.js';

/** @import {TrialVerdict} from '../shared/protocol.js' */

/** @param {TrialVerdict} verdict */
function speed({ graphics, processor, ratio }) {
  return `64 tokens take ${fixed(graphics, 0)} ms on it and ${fixed(processor, 0)} ms on the processor: ${fixed(ratio, 1)} times as fast.`;
}

/** @param {TrialVerdict} verdict */
function numbers({ difference, bar, output }) {
  const worst = difference === null ? `${output} is not a number` : `the largest difference in any output is ${percent(difference)} (${output})`;
  return `${worst}; the limit is ${percent(bar)}.`;
}

/** What is known about the graphics card and the current model. */
export function sentence() {
  const { looked, adapter, trial, testing, why } = state.graphics.value;
  if (!looked) return 'The graphics card has not been tested yet.';
  if (adapter === null) return 'This browser offers no WebGPU adapter.';
  if (testing) return `${adapter} is being tested…`;
  if (trial?.lost) return `${adapter} stopped working (${trial.lost}), so the processor is used.`;
  const verdict = trial?.verdict;
  if (trial?.outcome === 'failed') return `${adapter} is not used: its test failed (${trial.why}).`;
  if (verdict && trial.outcome === 'different') return `${adapter} is not used, since its numbers differ: ${numbers(verdict)}`;
  if (verdict) return `${adapter}: ${speed(verdict)} ${trial.outcome === 'slower' ? 'That is too slow to offer it. ' : ''}Same numbers: ${numbers(verdict)}`;
  return why ? `${adapter} has not been tested, since ${why}.` : `${adapter} has not been tested yet.`;
}

/** Whether the current model could run faster on the graphics card, and the user has not answered yet. */
function isOffered() {
  const { device, keepProcessor } = state.settings.value;
  return state.model.value?.device === 'wasm' && device === 'wasm' && !keepProcessor && state.graphics.value.trial?.outcome === 'faster' && !state.graphics.value.testing;
}

export function offerView() {
  const verdict = state.graphics.value.trial?.verdict;
  if (!verdict || !isOffered()) return nothing;
  const answer = (/** @type {'accept' | 'decline'} */ how) => () => import('../page/device_trial.js').then((actions) => actions[how]());
  return html`<div class="notice offer">
    <p>Reading is ${fixed(verdict.ratio, 1)} times as fast on your graphics card, with the same numbers: 64 tokens take ${fixed(verdict.graphics, 0)} ms instead of ${fixed(verdict.processor, 0)} ms, and no output differs by more than ${percent(verdict.difference ?? 0)}.</p>
    <button type="button" id="use-graphics" @click=${answer('accept')}>Use it</button>
    <button type="button" id="keep-processor" @click=${answer('decline')}>No, thanks</button>
  </div>`;
}
