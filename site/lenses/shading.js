// A lens's shades of the one text, with their legend; pure, main thread.

/** @import {Palette, ThemeColours} from '../shared/protocol.js' */
/** @import {Shading} from '../page/state.js' */

const ENDS = [0, 128, 255]; // levels of the legend

/** @param {ArrayLike<number>} levels [token] negative: not shaded @param {Palette} palette @param {'light' | 'dark'} theme @returns {ThemeColours} */
const coloursOf = (levels, palette, theme) => ({
  background: Array.from(levels, (level) => (level < 0 ? 'transparent' : palette[theme][level])),
  text: Array.from(levels, (level) => (level < 0 ? 'inherit' : palette[`${theme}_text`][level])),
});

/**
 * @param {{ title: string, levels: ArrayLike<number>, palette: Palette, from: number, to: number, label: (value: number) => string }} shades
 *   `levels` from 0 to 255, of each token, stand for the values between `from` and `to`
 * @returns {Shading}
 */
export function shadeOf({ title, levels, palette, from, to, label }) {
  const ends = (/** @type {'light' | 'dark'} */ theme) => ({ background: ENDS.map((level) => palette[theme][level]), text: [] });
  return {
    title,
    light: coloursOf(levels, palette, 'light'),
    dark: coloursOf(levels, palette, 'dark'),
    legend: { values: [from, (from + to) / 2, to], labels: [label(from), '', label(to)], light: ends('light'), dark: ends('dark'), continuous: true },
  };
}
