// The chart of links between tokens: the text in one line, an arc for each link, names that do not overlap; pure, any thread.

import { colourAt, line, text } from './scene.js';

/** @import {Mark, Palette, Scene} from './scene.js' */

/**
 * @typedef {{ names: string[], links: ArrayLike<number>, levels: ArrayLike<number>, palette: Palette }} Links
 *   names [position]; links [link, (query, key)] and levels [link], the strongest first
 */

const SIDE = 10;
const HIGHEST = 120;
const NAMES = 76;
const LINE = 12; // px between two names
const STEPS = 20; // straight lines that an arc is made of

/** @param {Links} data @param {number} width @returns {Scene} */
export function arcsScene({ names, links, levels, palette }, width) {
  const step = (width - 2 * SIDE) / Math.max(1, names.length);
  const x = (/** @type {number} */ position) => SIDE + (position + 0.5) * step;
  const base = HIGHEST + 6;
  let widest = 1;
  for (let i = 0; i < levels.length; i++) widest = Math.max(widest, Math.abs(x(links[2 * i]) - x(links[2 * i + 1])));
  /** @type {Mark[]} */
  const marks = [line([[[SIDE, base], [width - SIDE, base]]], 'line-strong')];
  for (let i = levels.length - 1; i >= 0; i--) {
    const [from, to] = [x(links[2 * i]), x(links[2 * i + 1])];
    const height = HIGHEST * Math.sqrt(Math.abs(from - to) / widest);
    const path = Array.from({ length: STEPS + 1 }, (_, k) => /** @type {[number, number]} */ ([
      (from + to) / 2 + ((from - to) / 2) * Math.cos((Math.PI * k) / STEPS), base - height * Math.sin((Math.PI * k) / STEPS)]));
    marks.push(line([path], colourAt(palette, levels[i]) ?? 'line', 0.75 + (1.75 * levels[i]) / (palette.light.length - 1)));
  }
  /** @type {number[]} */
  const named = [];
  for (let i = 0; i < links.length; i++) {
    const position = links[i];
    if (named.some((other) => Math.abs(x(other) - x(position)) < LINE)) continue;
    named.push(position);
    marks.push(text(x(position), base + 6, names[position], { align: 'end', mono: true, room: NAMES - 8, fill: 'ink', upright: true }));
  }
  return { width, height: base + NAMES + 4, marks, areas: [{ x: SIDE, y: 0, width: width - 2 * SIDE, height: base + NAMES, rows: 1, columns: names.length }] };
}
