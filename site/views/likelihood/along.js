// The strip under the text: how surprise and openness go along it, tied to the text's own pointer; main thread.

import * as actions from '../../actions.js';
import { dark } from '../../charts/theme.js';
import { Strip } from '../../charts/strip.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { shown, span, strip } from './state.js';

const KEY = [
  ['bar', 'surprisal of each token'],
  ['line', 'its mean over 15 tokens'],
  ['dashes', 'entropy'],
  ['', 'in nats; drag to go there and select'],
];

/** @param {HTMLElement} root */
export function mountAlong(root) {
  const plot = document.createElement('div');
  plot.className = 'strip';
  plot.setAttribute('role', 'img');
  const key = document.createElement('p');
  key.className = 'hint keys';
  for (const [kind, text] of KEY) {
    const entry = document.createElement('span');
    entry.className = kind;
    entry.textContent = text;
    key.append(entry);
  }
  root.append(plot, key);
  const chart = new Strip(plot, {
    onHover: actions.hover,
    onPick: (token) => actions.pin(token),
    onBrush: (from, to) => (span.value = { from, to: Math.min(to, shown.value?.count ?? to) }),
  });
  effect(() => {
    if (state.view.value !== 'likelihood') return;
    const drawn = strip.value;
    root.hidden = !drawn;
    if (!drawn) return;
    chart.draw(drawn.lines);
    plot.setAttribute('aria-label', `Surprisal and entropy of ${drawn.lines.surprisal_nats.length} tokens in nats; the highest is ${drawn.lines.highest_nats.toFixed(1)}. The lists below name the tokens.`);
  });
  effect(() => {
    strip.value;
    chart.mark(state.hovered.value ?? state.pinned.value);
  });
  effect(() => {
    strip.value;
    chart.select(span.value);
  });
  effect(() => {
    dark.value;
    chart.redraw();
  });
}
