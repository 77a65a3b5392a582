// The chart of a long vector: a cell for each value, folded into lines as wide as the room there is; pure, any thread.

import { keyMarks } from './rows.js';
import { text } from './scene.js';

/** @import {Palette, Scene} from './scene.js' */

const LEFT = 34;
const CELL = 6; // px a value: wide enough to point at
const ROW = 14;

/** Values in a line. @param {number} count @param {number} width */
export const perLine = (count, width) => Math.max(16, Math.min(count, Math.floor((width - LEFT) / CELL / 16) * 16));

/** @param {{ levels: ArrayLike<number>, palette: Palette, key: { level: number, label: string }[] }} vector @param {number} width @returns {Scene} */
export function vectorScene({ levels, palette, key }, width) {
  const columns = perLine(levels.length, width);
  const rows = Math.ceil(levels.length / columns);
  const padded = Array.from({ length: rows * columns }, (_, i) => levels[i] ?? -1);
  const area = { x: LEFT, y: 0, width: columns * CELL, height: rows * ROW, rows, columns };
  return {
    width: Math.max(width, LEFT + columns * CELL),
    height: area.height + 24,
    marks: [
      { kind: 'cells', x: area.x, y: 0, width: area.width, height: area.height, rows, columns, levels: padded, palette, gap: 0 },
      ...Array.from({ length: rows }, (_, row) => text(LEFT - 6, (row + 0.5) * ROW, String(row * columns), { align: 'end' })),
      ...keyMarks(palette, key, LEFT, area.height + 13, area.width),
    ],
    areas: [area],
  };
}
