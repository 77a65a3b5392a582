// The page's colours as a canvas needs them: resolved, for the theme that is in force; main thread.

import * as state from '../page/state.js';
import { computed, signal } from '../vendor/signals-core.js';

const query = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(query.matches);
query.addEventListener('change', () => (systemDark.value = query.matches));

/** Whether the page is dark now. */
export const dark = computed(() => {
  const { theme } = state.settings.value;
  return theme === 'system' ? systemDark.value : theme === 'dark';
});

/** @typedef {{ light: string[], dark: string[] }} Palette CSS colours by step */

/** A colour of both themes for an element's style. @param {Palette} palette @param {number} level */
export const lightDark = (palette, level) => (level < 0 ? 'transparent' : `light-dark(${palette.light[level]}, ${palette.dark[level]})`);

/** The value of a custom property of base.css as a colour a canvas understands. @param {string} name */
export function resolved(name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** [step, 4] bytes of the palette in the theme that is in force. @param {Palette} palette */
export function paletteBytes(palette) {
  const css = palette[dark.value ? 'dark' : 'light'];
  const bytes = new Uint8ClampedArray(4 * css.length);
  css.forEach((code, i) => bytes.set([1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16)).concat(255), 4 * i));
  return bytes;
}
