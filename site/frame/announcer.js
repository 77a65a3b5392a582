// Tells screen readers when the model is ready, a text is read or generated, which token the caret or stepper is at, and which tokens are selected; main thread.

import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { count, countOf, percent } from './format.js';
import { byId } from './mount.js';

const PAUSE = 400; // ms: what changes faster is said once, at its end

export function announce() {
  const place = byId('announcer');
  let timer = 0;
  const say = (/** @type {string} */ text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (place.textContent = text), PAUSE);
  };
  let last = /** @type {string | null} */ (null);
  watch('announced milestones', () => {
    const phase = state.phase.value;
    const run = state.run.peek();
    if (phase === 'ready' && last === 'booting') say(`${state.model.peek()?.manifest.name} is ready.`);
    else if (phase === 'ready' && last === 'running' && run) {
      const all = run.tokens.ids.length;
      say(run.kind === 'generate' ? `${countOf(all - run.given, 'token')} generated.` : `${countOf(all, 'token')} read.`);
    }
    last = phase;
  });
  watch('announced token', () => {
    const run = state.run.value;
    const token = state.hovered.value ?? state.pinned.value;
    if (!run?.done || token === null || token >= run.count || !document.activeElement?.matches('#text, .steps button')) return;
    const { probability, rank } = run.columns;
    if (!Number.isNaN(probability.data[token])) say(`${state.nameOfToken(token)}: ${percent(probability.data[token])}, rank ${count(rank.data[token])}`);
  });
  watch('announced selection', () => {
    const span = state.span.value;
    if (!span || document.activeElement?.id !== 'tokens') return; // the box's own selection is the browser's to tell
    const [first, last] = [state.nameOfToken(span.from), state.nameOfToken(span.to - 1)];
    say(`${countOf(span.to - span.from, 'token')} selected: ${span.to - span.from > 1 ? `${first} … ${last}` : first}`);
  });
}
