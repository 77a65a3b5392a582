// Shades the one text by the attention of the token that is pointed at or pinned; main thread.

import { percent } from '../../frame/format.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { ask } from '../scheduler.js';
import { by, complete, direction, lackOf, pointed, shadingHeads, shadingWords, sinkHidden, subject } from './choice.js';

/** @import {Numbers, Palette, ThemeColours} from '../../shared/protocol.js' */

const LENS = 'attention';
const isOpen = () => state.lens.value === LENS && state.run.value?.conditions.stride === null;

const { answer } = ask({
  view: 'looks',
  needs: 'end',
  args: () => ({ direction: direction.value, heads: shadingHeads(), by: by.value, sink: !sinkHidden.value }),
  seen: isOpen,
  lacks: (found) => (pointed.peek() ? null : lackOf(found)), // a head that is only pointed at is not worth a pass
});

/** The weights between all tokens for the heads that shade the text; null until they are known. */
export const shown = () => (isOpen() ? complete(answer.value) : null);

/** How much one token looks at another. @param {number} query @param {number} key @returns {number | null} */
export function weight(query, key) {
  const found = shown();
  const value = found?.arrays.values.data[query * found.json.tokens + key];
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** What is shaded, in words. @param {number} token @param {'to' | 'from'} way */
function titleOf(token, way) {
  const name = visible(state.run.value?.tokens.texts[token] ?? '') || '·';
  return way === 'to' ? `${name} looks at` : `looks at ${name}`;
}

/** @param {Numbers} levels [token, token] @param {number} row @param {number} count @param {Palette} palette @param {'light' | 'dark'} theme @returns {ThemeColours} */
function coloursOf(levels, row, count, palette, theme) {
  const own = Array.from(levels.subarray(row * count, (row + 1) * count));
  return { background: own.map((level) => (level < 0 ? 'transparent' : palette[theme][level])), text: own.map((level) => (level < 0 ? 'inherit' : palette[`${theme}_text`][level])) };
}

/** Keeps the text shaded while the lens is open. */
export function followShading() {
  watch('attention over the text', () => {
    const found = shown();
    const token = subject.value;
    if (!isOpen() || (!found && !state.run.value)) return void (state.shading.value = null);
    if (!found) return; // the last shades stay until the next are known
    const { tokens, palette: name, direction: way } = found.json;
    const palette = state.palettes.value?.[name];
    if (!palette || token === null || token >= tokens) return void (state.shading.value = null);
    const levels = found.arrays.levels.data;
    const most = found.arrays.most.data[token];
    const ends = { background: [0, 128, 255].map((level) => palette.light[level]), text: [] };
    const dark = { background: [0, 128, 255].map((level) => palette.dark[level]), text: [] };
    state.shading.value = {
      title: `${titleOf(token, way)} · ${shadingWords()}`,
      light: coloursOf(levels, token, tokens, palette, 'light'),
      dark: coloursOf(levels, token, tokens, palette, 'dark'),
      legend: { values: [0, most / 2, most], labels: ['0', '', percent(most)], light: ends, dark, continuous: true },
    };
  });
}
