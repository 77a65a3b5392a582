// How fast the shown run generates, by when its tokens arrived; main thread.

import { ask } from '../lenses/scheduler.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

/** Milliseconds from the start to each generated token of a run. @type {{ run: number, prompt: number, started: number, times: number[] }} */
let arrivals = { run: -1, prompt: 0, started: 0, times: [] };

const { answer } = ask({
  view: 'speed',
  needs: 'text',
  args: (run) => (run.id === arrivals.run && arrivals.times.length ? { times: arrivals.times } : null),
  seen: () => true,
});

export function followArrivals() {
  watch('speed', () => {
    const run = state.run.value;
    if (!run) return;
    if (run.id !== arrivals.run) arrivals = { run: run.id, prompt: run.tokens.ids.length, started: performance.now(), times: [] };
    while (arrivals.times.length < run.tokens.ids.length - arrivals.prompt) arrivals.times.push(performance.now() - arrivals.started);
  });
}

export function speedView() {
  const run = state.run.value;
  const speed = answer.value?.json;
  if (!run || !speed?.tokens || !state.text.value) return nothing;
  return html`<p class="hint" id="speed">${speed.words}${run.done ? '' : ' …'}</p>`;
}
