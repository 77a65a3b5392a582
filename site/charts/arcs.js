// The text with an arc for each of its strongest links, from the token that looks to the one it looks at; pure, any thread.

import { flow } from './flow.js';
import { colourAt, line, rect, text } from './scene.js';

/** @import {Mark, Palette, Scene} from './scene.js' */
/** @import {Part} from './flow.js' */

/**
 * @typedef {{ texts: string[], links: ArrayLike<number>, levels: ArrayLike<number>, palette: Palette, rtl: boolean, chosen: number | null }} LinkedText
 *   texts [position]; links [link, (query, key)] and levels [link], the strongest first; chosen: a position whose links alone are drawn
 */

const SIZE = 14;
const LINE = 34;
const MIDDLE = 22; // of the words in a line, below room for arcs
const RISE = 13; // px that an arc within a line rises at most
const BEND = 30; // px that an arc between lines leaves a token straight, at most
const STEPS = 20; // straight lines that an arc is made of
const DOT = 2; // radius of the end at the token that is looked at

/**
 * @param {LinkedText} data @param {number} width
 * @param {(text: string, size: number, mono: boolean) => number} measure the width of a text, in px
 * @returns {Scene} with an area for each position
 */
export function arcsScene({ texts, links, levels, palette, rtl, chosen }, width, measure) {
  const { parts, rows } = flow(texts, width, (each) => measure(each, SIZE, false), rtl);
  /** @type {Part[]} */
  const at = []; // [position] the first part of each
  for (const part of parts) at[part.index] ??= part;
  texts.forEach((_, position) => (at[position] ??= at[position - 1])); // a token that continues a character stands where it began
  const drawn = Array.from({ length: levels.length }, (_, i) => i).filter((i) => chosen === null || [links[2 * i], links[2 * i + 1]].includes(chosen));
  const linked = new Set(drawn.flatMap((i) => [links[2 * i], links[2 * i + 1]]));
  /** @type {Mark[]} */
  const marks = [];
  // Behind the words: all of them thin and pale, those of a chosen token in full.
  const steps = palette.light.length - 1;
  for (const i of drawn.toReversed()) {
    const [query, key] = [at[links[2 * i]], at[links[2 * i + 1]]];
    if (!query || !key) continue; // nothing is written of it
    const strength = levels[i] / steps;
    const colour = colourAt(palette, Math.round(steps * (chosen === null ? 0.2 + 0.4 * strength : 0.4 + 0.6 * strength))) ?? 'line';
    const path = arc(query, key);
    const [x, y] = path[path.length - 1];
    marks.push(line([path], colour, chosen === null ? 1 : 1 + strength), rect(x - DOT, y - DOT, 2 * DOT, 2 * DOT, colour, DOT));
  }
  for (const { index, text: part, x, row, width: room, end } of parts) {
    if (end) continue;
    const middle = row * LINE + MIDDLE;
    if (index === chosen) marks.push(rect(x, middle - 9, room, 18, 'accent-soft', 3));
    marks.push(text(rtl ? x + room : x, middle, part, { size: SIZE, fill: linked.has(index) || index === chosen ? 'ink' : 'ink-soft', align: rtl ? 'end' : 'start' }));
  }
  const areas = texts.map((_, position) => {
    const { x, row, width: room } = at[position] ?? { x: 0, row: 0, width: 0 }; // the prefix token is not in the text
    return { x, y: row * LINE + MIDDLE - 10, width: room, height: 20, rows: 1, columns: 1 };
  });
  return { width, height: rows * LINE + 6, marks, areas };
}

/** From the top of one token over its line to another, or up to the foot of one in a line above. @param {Part} query @param {Part} key */
function arc(query, key) {
  const [from, to] = [query, key].map(({ x, width }) => x + width / 2);
  const top = query.row * LINE + MIDDLE - SIZE / 2 - 1;
  const within = query.row === key.row;
  const end = within ? top : key.row * LINE + MIDDLE + SIZE / 2 + 2;
  const bend = within ? (4 / 3) * Math.min(RISE, 3 + Math.abs(from - to) / 8) : Math.min(BEND, (top - end) / 2 + 6);
  const control = within ? end - bend : end + bend;
  return Array.from({ length: STEPS + 1 }, (_, k) => {
    const [t, s] = [k / STEPS, 1 - k / STEPS];
    const [a, b, c, d] = [s ** 3, 3 * s * s * t, 3 * s * t * t, t ** 3];
    return /** @type {[number, number]} */ ([(a + b) * from + (c + d) * to, a * top + b * (top - bend) + c * control + d * end]);
  });
}
