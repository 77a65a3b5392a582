// Shades the one text by the attention of the token that is pointed at or pinned; main thread.

import { shareEnd } from '../../frame/format.js';
import { shade } from '../../page/choices.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { ask } from '../scheduler.js';
import { shadeOf } from '../shading.js';
import { by, complete, direction, missingAttention, pointed, shadingHeads, shadingWords, sinkHidden, subject } from './choice.js';

const LENS = 'attention';
const isOpen = () => state.lens.value === LENS && state.hasLayers();

const { answer } = ask({
  view: 'looks',
  needs: 'end',
  args: () => ({ direction: direction.value, heads: shadingHeads(), by: by.value, sink: !sinkHidden.value }),
  seen: isOpen,
  lacks: (weights) => (pointed.peek() ? null : missingAttention(weights)), // a head that is only pointed at is not worth a pass
});

/** The weights between all tokens for the heads that shade the text; null until they are known. */
export const shown = () => (isOpen() ? complete(answer.value) : null);

/** How much one token looks at another; null if it is not shown. @param {number} query @param {number} key @returns {number | null} */
export function weight(query, key) {
  const weights = shown();
  const value = weights?.arrays.values.data[query * weights.json.tokens + key];
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** What is shaded, in words. @param {number} token @param {'to' | 'from'} way */
function titleOf(token, way) {
  const name = state.nameOfToken(token);
  return way === 'to' ? `${name} looks at` : `looks at ${name}`;
}

/** Keeps the text shaded while the lens is open. */
export function followShading() {
  watch('attention over the text', () => {
    const weights = shown();
    const token = subject.value;
    if (!isOpen()) return shade(LENS, null);
    if (!weights) return; // the last shades stay until the next are known
    const { tokens, palette: name, direction: way } = weights.json;
    const palette = state.palettes.value?.[name];
    if (!palette || token === null || token >= tokens) return shade(LENS, null);
    const levels = weights.arrays.levels.data.subarray(token * tokens, (token + 1) * tokens); // of [token, token]
    shade(LENS, shadeOf({ title: `${titleOf(token, way)} · ${shadingWords()}`, levels, palette, from: 0, to: weights.arrays.most.data[token], label: shareEnd }));
  });
}
