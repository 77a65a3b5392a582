// Tells screen readers when the model is ready, a text is read or generated or a file is open, and which token or selection is current; main thread.

import { watch } from '../page/notices.js';
import { isGenerating } from '../page/runs.js';
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
  let last = { phase: '', running: false, generating: false };
  watch('announced milestones', () => {
    const now = { phase: state.phase.value, running: state.isRunning.value, generating: isGenerating() };
    const run = state.run.peek();
    if (last.running && !now.running && now.phase !== 'error' && run && run.kind !== 'opened') {
      const all = run.tokens.ids.length;
      say(last.generating ? `${countOf(all - run.given, 'token')} generated.` : `${countOf(all, 'token')} read.`);
    } else if (now.phase === 'ready' && last.phase === 'booting') say(`${state.model.peek()?.manifest.name} is ready.`);
    last = now;
  });
  let opened = /** @type {number | null} */ (null);
  watch('announced file', () => {
    const run = state.run.value;
    const id = run?.kind === 'opened' ? run.id : null;
    if (run && id !== null && id !== opened) say(`${run.file} is open: ${countOf(run.tokens.total, 'token')}, read by ${run.model.name}.`);
    opened = id;
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
