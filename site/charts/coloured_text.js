// The coloured text as a picture: its tokens on their colours, line by line, and what the colours mean; pure, any thread.

import { line, rect, text } from './scene.js';

/** @import {Colour, Mark, Scene} from './scene.js' */

/**
 * @typedef {{ text: string, fill: Colour | null, ink: Colour, generated: boolean }} Piece a token
 * @typedef {{ pieces: Piece[], key: { fill: Colour, label: string }[], rtl: boolean, mono: boolean }} ColouredText
 */

const SIZE = 17;
const LINE = 30;
const STARTS_WORD = /^\s/;

/**
 * @param {ColouredText} data @param {number} width
 * @param {(text: string, size: number, mono: boolean) => number} measure the width of a text, in px @returns {Scene}
 */
export function colouredTextScene({ pieces, key, rtl, mono }, width, measure) {
  const wide = (/** @type {string} */ each) => measure(each, SIZE, mono);
  /** @type {Mark[]} */
  const marks = [];
  let x = 0;
  let row = 0;
  const next = () => ([x, row] = [0, row + 1]);
  const put = (/** @type {string} */ part, /** @type {Piece} */ { fill, ink, generated }) => {
    const room = wide(part);
    const left = rtl ? width - x - room : x;
    const y = row * LINE;
    if (fill) marks.push(rect(left, y + 3, room, LINE - 6, fill, 3));
    if (generated) marks.push(line([[[left, y + LINE - 2], [left + room, y + LINE - 2]]], 'line-strong', 2, [2, 2]));
    marks.push(text(rtl ? left + room : left, y + LINE / 2, part, { size: SIZE, mono, fill: fill ? ink : 'ink', align: rtl ? 'end' : 'start' }));
    x += room;
  };
  pieces.forEach((piece, i) => {
    if (i && STARTS_WORD.test(piece.text) && x) {
      let word = piece.text.split('\n')[0];
      for (let k = i + 1; k < pieces.length && !STARTS_WORD.test(pieces[k].text); k++) word += pieces[k].text;
      if (x + wide(word) > width && wide(word) <= width) next();
    }
    piece.text.split('\n').forEach((part, k) => {
      if (k) {
        const { fill } = piece; // a line end is seen after its line, as on the page
        const end = wide('n');
        if (fill) marks.push(rect(rtl ? width - x - end : x, row * LINE + 3, end, LINE - 6, fill, 3));
        next();
      }
      let rest = Array.from(part.replaceAll('\t', '    '));
      while (rest.length) {
        let fits = rest.length;
        while (fits > 1 && x + wide(rest.slice(0, fits).join('')) > width) fits--;
        if (fits < rest.length && x) {
          next();
          continue;
        }
        put(rest.slice(0, fits).join(''), piece);
        rest = rest.slice(fits);
        if (rest.length) next();
      }
    });
  });
  const bottom = (row + 1) * LINE + 16;
  let at = 0;
  for (const { fill, label } of key) {
    marks.push(rect(at, bottom, 12, 12, fill, 3), text(at + 18, bottom + 6, label));
    at += 34 + measure(label, 11, false);
  }
  return { width: Math.max(width, at), height: bottom + 20, marks, areas: [] };
}
