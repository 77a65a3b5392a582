// The chart of all heads: layers down, heads across, each with its reduced pattern in a frame of its colour; pure, any thread.

import { colourAt, line, NORMAL, rect, text } from './scene.js';
import { keyMarks } from './rows.js';

/** @import {Mark, Palette, Scene} from './scene.js' */

/**
 * @typedef {{
 *   rows: number, columns: number, group: number, order: ArrayLike<number>, inPlace: boolean, names: (string | undefined)[],
 *   patterns: { levels: Int16Array, blocks: number, palette: Palette } | null,
 *   shades: ArrayLike<number>, palette: Palette, key: { level: number, label: string }[], opened: number | null, picked: number[]
 * }} Heads
 *   order [place] of heads, each layer · columns + head; names and shades [layer · columns + head]: why a head stands out, and its colour;
 *   group: query heads that share keys and values; patterns: levels [layer, head, block, block]; null: only the shades are shown
 */

const LEFT = 28;
const TOP = 34; // names of key heads and of heads
const FRAME = 3;
const WIDEST = 84;
const HIGHEST = 960; // px of all rows, if that leaves a pixel for each block
const KEY = 24;
const ROOM = 46; // px of a head that its name fits in

/** @param {Heads} heads @param {number} width @returns {Scene} */
export function headsScene({ rows, columns, group, order, inPlace, names, patterns, shades, palette, key, opened, picked }, width) {
  const least = Math.max(30, (patterns?.blocks ?? 0) + 2 * FRAME + 1); // a pixel for each block: smaller would skip some
  const pitch = Math.max(least, Math.min(WIDEST, Math.floor((width - LEFT) / columns), Math.floor(HIGHEST / rows)));
  const side = pitch - 1;
  const whole = Math.max(width, LEFT + columns * pitch);
  const bottom = TOP + rows * pitch;
  /** @type {Mark[]} */
  const marks = [];
  if (inPlace) {
    for (let row = 0; row < rows; row++) marks.push(text(LEFT - 6, TOP + (row + 0.5) * pitch, String(row), { align: 'end' }));
    for (let column = 0; column < columns; column++) marks.push(text(LEFT + (column + 0.5) * pitch - 1, TOP - 8, String(column), { align: 'middle' }));
    if (group > 1) marks.push(...groups(columns / group, group * pitch, bottom));
  } else marks.push(text(LEFT, TOP - 8, 'sorted, largest first'));
  for (let place = 0; place < rows * columns; place++) {
    const at = order[place];
    const [x, y] = [LEFT + (place % columns) * pitch, TOP + Math.floor(place / columns) * pitch];
    marks.push(rect(x, y, side, side, colourAt(palette, shades[at]) ?? 'line'));
    if (patterns) {
      const { levels, blocks } = patterns;
      const inner = { x: x + FRAME, y: y + FRAME, width: side - 2 * FRAME, height: side - 2 * FRAME };
      const own = levels.subarray(at * blocks * blocks, (at + 1) * blocks * blocks);
      marks.push(rect(inner.x, inner.y, inner.width, inner.height, 'page'));
      marks.push({ kind: 'cells', ...inner, rows: blocks, columns: blocks, levels: own, palette: patterns.palette, gap: 0 });
    }
    const chosen = at === opened;
    const border = [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]];
    if (chosen || picked.includes(at)) marks.push(line(/** @type {[number, number][][]} */ (border), chosen ? 'ink' : 'accent', 2));
    const why = names[at] && (pitch >= ROOM ? names[at] : names[at][0].toUpperCase());
    const name = inPlace ? why : `${Math.floor(at / columns)}.${at % columns}`;
    if (name) marks.push(text(x + side - FRAME - 1, y + FRAME + 6, name, { size: 10, align: 'end', room: side - 2 * FRAME, fill: 'ink', weight: why ? 700 : 400 }));
  }
  marks.push(...keyMarks(palette, key, LEFT, bottom + KEY / 2, whole - LEFT));
  return {
    width: whole,
    height: bottom + KEY,
    marks,
    areas: [{ x: LEFT, y: TOP, width: columns * pitch, height: rows * pitch, rows, columns }],
    frozen: LEFT,
  };
}

/** Which query heads share keys and values. @param {number} count @param {number} wide @param {number} bottom @returns {Mark[]} */
function groups(count, wide, bottom) {
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => [
    text(LEFT + (i + 0.5) * wide - 1, 8, `keys ${i}`, { align: 'middle', size: NORMAL - 2, room: wide }),
    ...(i ? [line([[[LEFT + i * wide - 1, 0], [LEFT + i * wide - 1, bottom]]], 'line-strong')] : []),
  ]);
}
