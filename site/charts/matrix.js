// The chart of one attention pattern: a part of a matrix with names, sums and key; pure, any thread.

import { keyMarks } from './rows.js';
import { line, rect, text } from './scene.js';

/** @import {Mark, Palette, Scene} from './scene.js' */

/**
 * A square part of a matrix, in rows and columns. @typedef {{ row: number, column: number, span: number }} Part
 * @typedef {{ size: number, levels: ArrayLike<number>, palette: Palette, names: string[], part: Part,
 *             rowSums: ArrayLike<number>, columnSums: ArrayLike<number>, key: { level: number, label: string }[] }} Matrix
 *   levels [row, column], rowSums [row], columnSums [column], names [position]: all of the whole matrix
 */

const LEFT = 84;
const TOP = 78;
const SUMS = 24;
const GAP = 6;
const LINE = 12; // px between two names
const KEY = 24;
const WIDEST = 620;

/** @param {Matrix} matrix @param {number} width @returns {Scene} */
export function matrixScene({ size, levels, palette, names, part, rowSums, columnSums, key }, width) {
  const { row: top, column: left, span } = part;
  const side = Math.max(120, Math.min(WIDEST, width - LEFT - GAP - SUMS));
  const cell = side / span;
  const every = Math.max(1, Math.ceil(LINE / cell));
  const [right, bottom] = [LEFT + side, TOP + side];
  const shown = reduced(levels, size, part, Math.max(1, Math.ceil(span / side)));
  const extent = shown.step * shown.count * cell; // the last block may reach beyond the matrix
  /** @type {Mark[]} */
  const marks = [
    rect(LEFT, TOP, side, side, 'soft'),
    { kind: 'cells', x: LEFT, y: TOP, width: extent, height: extent, rows: shown.count, columns: shown.count, levels: shown.levels, palette, gap: 0 },
  ];
  for (let i = 0; i < span; i += every) {
    marks.push(text(LEFT - 6, TOP + (i + 0.5) * cell, names[top + i] ?? '', { align: 'end', mono: true, room: LEFT - 10, fill: 'ink' }));
    marks.push(text(LEFT + (i + 0.5) * cell, TOP - 6, names[left + i] ?? '', { mono: true, room: TOP - 10, fill: 'ink', upright: true }));
  }
  marks.push(...sums(rowSums, top, span, cell, false, right + GAP), ...sums(columnSums, left, span, cell, true, bottom + GAP));
  marks.push(text(LEFT - 6, bottom + GAP + SUMS / 2, 'sum', { align: 'end' }));
  marks.push(...keyMarks(palette, key, LEFT, bottom + GAP + SUMS + KEY / 2, side));
  return {
    width: Math.max(width, right + GAP + SUMS),
    height: bottom + GAP + SUMS + KEY,
    marks,
    areas: [
      { x: LEFT, y: TOP, width: side, height: side, rows: span, columns: span },
      { x: right + GAP, y: TOP, width: SUMS, height: side, rows: span, columns: 1 },
      { x: LEFT, y: bottom + GAP, width: side, height: SUMS, rows: 1, columns: span },
    ],
  };
}

/**
 * The part in blocks of step × step, each of its largest level, so that nothing is skipped if a pixel has to show several.
 * @param {ArrayLike<number>} levels [row, column] @param {number} size @param {Part} part @param {number} step
 * @returns {{ levels: Int16Array, count: number, step: number }} levels [block, block]
 */
export function reduced(levels, size, { row: top, column: left, span }, step) {
  const count = Math.ceil(span / step);
  const found = new Int16Array(count * count).fill(-1);
  for (let row = 0; row < span; row++) {
    const from = (top + row) * size + left;
    const to = Math.floor(row / step) * count;
    for (let column = 0; column < span; column++) {
      const at = to + Math.floor(column / step);
      if (levels[from + column] > found[at]) found[at] = levels[from + column];
    }
  }
  return { levels: found, count, step };
}

/**
 * Bars for the sums of rows or columns. Their axis ends at the largest sum other than that of position 0: the sink's is often far above.
 * @param {ArrayLike<number>} values @param {number} first @param {number} span @param {number} cell @param {boolean} down
 * @param {number} base where the bars begin @returns {Mark[]}
 */
function sums(values, first, span, cell, down, base) {
  let most = 1e-9;
  for (let i = Math.max(1, first); i < first + span; i++) most = Math.max(most, values[i]);
  const start = down ? LEFT : TOP;
  /** @type {Mark[]} */
  const marks = [line([down ? [[start, base], [start + span * cell, base]] : [[base, start], [base, start + span * cell]]], 'line-strong')];
  const wide = Math.max(0.6, cell - (cell > 4 ? 1 : 0));
  for (let i = 0; i < span; i++) {
    const length = (Math.min(values[first + i], most) / most) * SUMS;
    if (length > 0) marks.push(down ? rect(start + i * cell, base, wide, length, 'bar') : rect(base, start + i * cell, length, wide, 'bar'));
  }
  return marks;
}

/**
 * The part after zooming: within the matrix, around a value that stays where it is on the screen.
 * @param {Part} part @param {number} size @param {number} factor @param {{ row: number, column: number } | null} at the value, in the part
 * @returns {Part}
 */
export function zoomed(part, size, factor, at) {
  const least = Math.min(size, 4);
  const wanted = factor < 1 ? Math.min(part.span - 1, Math.round(part.span * factor)) : Math.max(part.span + 1, Math.round(part.span * factor));
  const span = Math.max(least, Math.min(size, wanted));
  const row = at ? at.row : part.span / 2;
  const column = at ? at.column : part.span / 2;
  const start = (/** @type {number} */ from, /** @type {number} */ inside) => Math.round(from + inside - (inside * span) / part.span);
  return within({ row: start(part.row, row), column: start(part.column, column), span }, size);
}

/** The part, moved so that it lies in the matrix. @param {Part} part @param {number} size @returns {Part} */
export function within({ row, column, span }, size) {
  const limit = (/** @type {number} */ value) => Math.max(0, Math.min(size - span, value));
  return { row: limit(row), column: limit(column), span };
}
