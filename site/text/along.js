// The strip under the text: how surprisal and entropy go along it, tied to the text's own pointer; main thread.

import { Strip } from '../charts/strip.js';
import { dark } from '../charts/theme.js';
import { amount, inUnit, unit } from '../frame/units.js';
import { ask } from '../lenses/scheduler.js';
import { hover, pin, select } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';

/** @import {Numbers} from '../shared/protocol.js' */

const KEY = [
  ['bar', 'surprisal of each token'],
  ['line', 'its mean over 15 tokens'],
  ['dashes', 'entropy'],
];

/** @param {HTMLElement} root */
export function mountAlong(root) {
  const { answer } = ask({ view: 'strip', needs: 'text', args: () => ({}), seen: () => true });
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
  const scale = document.createElement('span');
  key.append(scale);
  root.append(plot, key);
  const chart = new Strip(plot, {
    onHover: hover,
    onPick: pin,
    onBrush: (from, to) => select({ span: { from, to: Math.min(to, state.count.value) } }),
  });
  watch('strip', () => {
    const lines = answer.value;
    root.hidden = !lines;
    if (!lines) return;
    const { surprisal_nats: surprisal, smooth_surprisal_nats: smooth, entropy_nats: entropy } = lines.arrays;
    const line = (/** @type {Numbers} */ nats) => Array.from(nats, (value) => (Number.isNaN(value) ? null : inUnit(value)));
    chart.draw({ surprisal: line(surprisal.data), smooth: line(smooth.data), entropy: line(entropy.data) });
    scale.textContent = `${unit() === 'bits' ? 'Bits' : 'Nats'}. Drag to select.`;
    plot.setAttribute('aria-label', `Surprisal and entropy of ${surprisal.data.length} tokens; the highest is ${amount(lines.json.highest_nats, 1)}. The lists of the tokens lens name the tokens.`);
  });
  watch('strip, marked token', () => {
    answer.value;
    chart.mark(state.hovered.value ?? state.pinned.value);
  });
  watch('strip, selected tokens', () => {
    answer.value;
    chart.select(state.span.value);
  });
  watch('strip, colours', () => {
    dark.value;
    chart.redraw();
  });
}
