// The chart along a text: a bar for each token, and lines over them; pure, any thread.

import { short } from '../frame/format.js';
import { line, rect, text } from './scene.js';

/** @import {Mark, Scene} from './scene.js' */

/**
 * @typedef {{ bars: ArrayLike<number>, line: ArrayLike<number>, dashes: ArrayLike<number>, highest: number, unit: string }} Along
 *   bars, line, dashes [token]; NaN: no number
 */

const LEFT = 30;
const TOP = 8;
const BOTTOM = 18;
const DIGIT = 7; // px that a digit takes at most

/** @param {Along} along @param {number} width @param {number} height @returns {Scene} */
export function alongScene({ bars, line: smooth, dashes, highest, unit }, width, height) {
  const count = bars.length;
  const area = { x: LEFT, y: TOP, width: Math.max(1, width - LEFT - 2), height: height - TOP - BOTTOM, rows: 1, columns: count };
  const base = TOP + area.height;
  const top = niceTop(highest);
  const step = area.width / Math.max(1, count);
  const y = (/** @type {number} */ value) => base - (Math.min(value, top) / top) * area.height;
  const middle = (/** @type {number} */ token) => LEFT + (token + 0.5) * step;
  /** @type {Mark[]} */
  const marks = [top, top / 2].map((value) => line([[[LEFT, y(value)], [width - 2, y(value)]]], 'line'));
  marks.push(text(LEFT - 4, y(top), short(top), { align: 'end' }), text(LEFT - 4, base - 5, unit, { align: 'end', room: LEFT - 4 }));
  const wide = Math.max(0.6, Math.min(14, step * (step > 4 ? 0.82 : 1)));
  for (let i = 0; i < count; i++) if (bars[i] > 0) marks.push(rect(middle(i) - wide / 2, y(bars[i]), wide, base - y(bars[i]), 'bar', step > 6 ? 1 : 0));
  marks.push(
    line(paths(dashes, middle, y), 'second', 1.25, [3, 3]),
    line(paths(smooth, middle, y), 'accent', 1.75),
    line([[[LEFT, base], [width - 2, base]]], 'line-strong'),
  );
  for (const token of ticks(count, area.width)) {
    const name = short(token + 1);
    marks.push(text(Math.min(middle(token), width - name.length * DIGIT / 2), base + BOTTOM / 2, name, { align: 'middle' }));
  }
  return { width, height, marks, areas: [area] };
}

/** The end of the axis: a round number not far above the value. @param {number} highest */
function niceTop(highest) {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, highest)));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((each) => each * size).find((each) => each >= highest) ?? highest;
}

/** Tokens that are named on the axis. @param {number} count @param {number} width */
function ticks(count, width) {
  if (!count) return [];
  const most = Math.max(2, Math.floor(width / 70));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((each) => count / each <= most) ?? count;
  const named = [0];
  for (let token = step - 1; token < count; token += step) if (token) named.push(token);
  return named;
}

/**
 * The stretches of a line that have numbers.
 * @param {ArrayLike<number>} values [token] @param {(token: number) => number} x @param {(value: number) => number} y
 */
function paths(values, x, y) {
  /** @type {[number, number][][]} */
  const found = [[]];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) found.push([]);
    else found[found.length - 1].push([x(i), y(values[i])]);
  }
  return found.filter((path) => path.length > 1);
}
