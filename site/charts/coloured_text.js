// The coloured text as a picture: its tokens on their colours, line by line, and what the colours mean; pure, any thread.

import { flow } from './flow.js';
import { line, rect, text } from './scene.js';

/** @import {Colour, Mark, Scene} from './scene.js' */

/**
 * @typedef {{ text: string, fill: Colour | null, ink: Colour, generated: boolean }} Piece a token
 * @typedef {{ pieces: Piece[], key: { fill: Colour, label: string }[], rtl: boolean, mono: boolean }} ColouredText
 */

const SIZE = 17;
const LINE = 30;

/**
 * @param {ColouredText} data @param {number} width
 * @param {(text: string, size: number, mono: boolean) => number} measure the width of a text, in px @returns {Scene}
 */
export function colouredTextScene({ pieces, key, rtl, mono }, width, measure) {
  const { parts, rows } = flow(pieces.map((piece) => piece.text), width, (each) => measure(each, SIZE, mono), rtl);
  /** @type {Mark[]} */
  const marks = [];
  for (const { index, text: part, x, row, width: room, end } of parts) {
    const { fill, ink, generated } = pieces[index];
    const y = row * LINE;
    if (fill) marks.push(rect(x, y + 3, room, LINE - 6, fill, 3));
    if (end) continue;
    if (generated) marks.push(line([[[x, y + LINE - 2], [x + room, y + LINE - 2]]], 'line-strong', 2, [2, 2]));
    marks.push(text(rtl ? x + room : x, y + LINE / 2, part, { size: SIZE, mono, fill: fill ? ink : 'ink', align: rtl ? 'end' : 'start' }));
  }
  const bottom = rows * LINE + 16;
  let at = 0;
  for (const { fill, label } of key) {
    marks.push(rect(at, bottom, 12, 12, fill, 3), text(at + 18, bottom + 6, label));
    at += 34 + measure(label, 11, false);
  }
  return { width: Math.max(width, at), height: bottom + 20, marks, areas: [] };
}
