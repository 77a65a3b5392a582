// Asks Python for the strip while a text is read, and for what stands out in it when it has been; main thread.

import * as actions from '../../actions.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { findings, precomputed, strip } from './state.js';

const PAUSE = 300; // ms between two strips while a text is read: the eye sees no more, and the model needs the processor

/** Keeps both up to date; at most one request is under way, and answers about an older run are dropped. */
export function followRun() {
  let busy = false;
  /** @type {string} */
  let shown = '';
  const next = async () => {
    const run = state.run.value;
    if (busy || !run?.count || state.view.value !== 'likelihood') return;
    const { runId, count, done } = run;
    const key = `${runId} ${count} ${done}`;
    if (key === shown) return;
    busy = true;
    try {
      const lines = await actions.view('strip');
      if (state.run.value?.runId === runId) strip.value = { runId, lines };
      const found = done && (await actions.view('findings'));
      if (found && state.run.value?.runId === runId) findings.value = { runId, found };
      shown = key;
      if (!done) await new Promise((resolve) => setTimeout(resolve, PAUSE));
    } catch {
      shown = key; // a newer run took its place, or the page has said what went wrong
    } finally {
      busy = false;
    }
    void next();
  };
  effect(() => {
    if (!state.run.value) {
      const ready = precomputed.value;
      strip.value = ready && { runId: ready.run.runId, lines: ready.strip };
      findings.value = ready && { runId: ready.run.runId, found: ready.findings };
    }
    state.view.value; // what changed while the tab was closed is asked for when it opens
    void next();
  });
}
