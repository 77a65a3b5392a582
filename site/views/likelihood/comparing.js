// Keeps a reading and compares every later one with it; main thread.

import * as actions from '../../actions.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { comparison, kept } from './state.js';

/** Keeps the current reading as A. */
export async function keepAsA() {
  const run = state.run.value;
  const model = state.model.value;
  if (!run || !model) return;
  await actions.keepReading();
  comparison.value = null;
  kept.value = { model: model.manifest.name, text: run.tokens.text, runId: run.runId };
}

export function forget() {
  kept.value = comparison.value = null;
}

/** Reads the kept text with another model. @param {string} id */
export async function readWith(id) {
  const { text } = /** @type {NonNullable<typeof kept.value>} */ (kept.value);
  await actions.load(id);
  actions.setText(text);
  await actions.runText();
}

/** Asks for the comparison when a later run is done. */
export function followComparison() {
  effect(() => {
    const run = state.run.value;
    const first = kept.value;
    if (!run?.done || !first || run.runId === first.runId) return;
    actions.view('comparison').then(
      (found) => {
        if (state.run.value?.runId !== run.runId) return;
        comparison.value = found;
        if (!found) forget(); // Python was started again and has nothing kept
      },
      () => {}, // a newer run took its place
    );
  });
}
