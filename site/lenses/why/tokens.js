// Tokens with a number each, the largest first: how the three readings name the earlier tokens; main thread.

import { rowsScene } from '../../charts/rows.js';
import { count } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import * as state from '../../page/state.js';

/** @import {ChartOf} from '../../charts/chart.js' */

/**
 * @param {{ token: number, text: string, value: number }[]} rows @param {string} label @param {string} title of the bars @param {(value: number) => string} format of a value
 * @param {(value: number) => string} end of the axis
 * @returns {ChartOf}
 */
export const largestChart = (rows, label, title, format, end) => ({
  label: `Earlier tokens: ${label}`,
  resting: `${POINT} a bar for its value.`,
  scene: (width) => rowsScene({
    labels: rows.map(({ token }) => `${state.nameOfToken(token)} ${count(token + 1)}`), labelRoom: Math.min(150, width * 0.4), rowHeight: 20, mono: true,
    tracks: [
      { kind: 'bars', title, axis: end, series: [{ values: rows.map(({ value }) => value), fill: 'bar' }] },
      { kind: 'numbers', title: '', room: 56, texts: rows.map(({ value }) => format(value)) },
    ],
  }, width),
  say: ({ row }) => (rows[row] ? `${state.nameOfToken(rows[row].token)} (token ${count(rows[row].token + 1)}): ${format(rows[row].value)}` : ''),
});
