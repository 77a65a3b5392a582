// The page's colours as a canvas and a file need them: resolved, for the current theme; main thread.

import * as state from '../page/state.js';
import { computed, signal } from '../vendor/signals-core.js';

/** @import {Colour} from './scene.js' */

const system = matchMedia('(prefers-color-scheme: dark)');
const forced = matchMedia('(forced-colors: active)');
const systemDark = signal(system.matches);
const systemForced = signal(forced.matches);
system.addEventListener('change', () => (systemDark.value = system.matches));
forced.addEventListener('change', () => (systemForced.value = forced.matches));

/** Whether the page is being printed. Browsers tell it by events or by the media query, some by both. */
const paper = matchMedia('print');
const printing = signal(paper.matches);
paper.addEventListener('change', () => (printing.value = paper.matches));
addEventListener('beforeprint', () => (printing.value = true));
addEventListener('afterprint', () => (printing.value = false));

/** Whether the page is dark now; on paper it is light, as in text.css. */
export const dark = computed(() => {
  if (printing.value) return false;
  const { theme } = state.settings.value;
  return theme === 'system' ? systemDark.value : theme === 'dark';
});

/** What the colours depend on: charts are drawn again when it changes. */
export const theme = computed(() => `${dark.value ? 'dark' : 'light'}${systemForced.value ? ' forced' : ''}`);

/** @type {Map<string, string>} */
const known = new Map();

/** A colour as CSS, without custom properties. @param {Colour} colour @returns {string} */
export function css(colour) {
  if (typeof colour !== 'string') return colour[dark.peek() ? 1 : 0];
  const key = `${theme.peek()} ${colour}`;
  let found = known.get(key);
  if (found === undefined) {
    const probe = document.createElement('span');
    probe.style.colorScheme = dark.peek() ? 'dark' : 'light'; // the page's own follows a moment later
    probe.style.forcedColorAdjust = 'none'; // in forced colours the properties are system colours
    probe.style.color = `var(--${colour})`;
    document.body.append(probe);
    found = getComputedStyle(probe).color;
    probe.remove();
    known.set(key, found);
  }
  return found;
}

/** An SVG with the page's colours in place of its custom properties, which reach no picture. @param {string} svg with attributes such as fill="var(--ink, #000000)" */
export const themed = (svg) => svg.replace(/="var\(--([a-z-]+), #[0-9a-f]{6}\)"/g, (_, name) => `="${css(name)}"`);
