// The charts of one number for each head: the layer × head grid, and the heads that change most; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { POINT } from '../../frame/pointer.js';
import { change, unit, unitEnd } from '../../frame/units.js';
import * as state from '../../page/state.js';

/** @import {Numbers, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */

/** @param {number} layers how high a row is among as many */
export const rowHeight = (layers) => (layers > 20 ? 12 : 18);

/**
 * @param {Pick<Views['why_heads']['answer']['json'], 'layers' | 'columns' | 'palette' | 'stops' | 'top'>} json
 * @param {{ deltas: { data: Numbers }, levels: { data: Numbers } }} arrays [layer, head] nats, and levels of the palette
 * @param {{ label: string, done: string, press: (layer: number, head: number) => void }} how label: of the grid; done: what was done
 *   to a head, behind its name; press: what a pressed head does
 * @returns {ChartOf[]}
 */
export function headCharts({ layers, columns, palette, stops, top }, { deltas, levels }, { label, done, press }) {
  const say = (/** @type {number} */ layer, /** @type {number} */ head) => {
    const value = deltas.data[layer * columns + head];
    return `head ${layer}.${head}${done}: ${Number.isNaN(value) ? 'not computed yet' : `${change(value)} ${unit()}`}`;
  };
  return [{
    label,
    scene: (width) => rowsScene({
      labels: Array.from({ length: layers }, (_, layer) => String(layer)), labelRoom: 24, rowHeight: rowHeight(layers), align: 'end',
      tracks: [{
        kind: 'cells', title: 'heads', levels: levels.data, columns, palette: state.paletteOf(palette), key: keyOf(stops, unitEnd),
        ends: ['0', String(columns - 1)], blank: 'not computed yet', widest: 26,
      }],
    }, width),
    say: ({ row, column }) => say(row, column),
    pick: ({ row, column }) => press(row, column),
  }, {
    label: 'The heads that change most',
    resting: `${POINT} a bar for its value; press it to choose the head.`,
    scene: (width) => rowsScene({
      labels: top.map(({ layer, head }) => `head ${layer}.${head}`), labelRoom: Math.min(120, width * 0.4), rowHeight: 20,
      tracks: [
        { kind: 'bars', title: `Δ ${unit()}`, axis: unitEnd, series: [{ values: top.map(({ value }) => value), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 56, texts: top.map(({ value }) => change(value)) },
      ],
    }, width),
    say: ({ row }) => (top[row] ? say(top[row].layer, top[row].head) : ''),
    pick: ({ row }) => void (top[row] && press(top[row].layer, top[row].head)),
  }];
}
