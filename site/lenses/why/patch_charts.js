// The charts of a patch: by layer and token of the residual stream, or by layer and head with the largest listed; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { change, unit, unitEnd } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { headCharts, rowHeight } from './head_charts.js';

/** @import {PatchGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @typedef {{ json: PatchGrid, arrays: Views['patch']['answer']['arrays'] }} Answer */
/** A row and a column of the grid. @typedef {{ row: number, column: number }} Cell */

/** What a cell stands for. @param {PatchGrid} json @param {Cell} cell */
export function placeOf({ heads, layers }, { row, column }) {
  if (heads) return `head ${row}.${column}`;
  return `${row < layers ? `layer ${row}` : 'final norm'}, ${state.nameOfToken(column)} (${column + 1})`;
}

/** By layer and token. @param {Answer} answer @param {(cell: Cell) => void} press @returns {ChartOf} */
export function gridChart({ json, arrays }, press) {
  const { layers, columns, begin, palette, stops, alignment: { a, b, origin } } = json;
  const values = arrays.deltas.data;
  const inA = (/** @type {number} */ token) => {
    const own = origin[token];
    return own === null ? ', nothing of A' : a[own].id === b[token].id ? '' : `, in A ${state.nameOfId(a[own])}`;
  };
  const token = state.current.value ?? -1;
  return {
    label: `Change by the layer and the token that are copied, ${layers + 1} × ${columns}`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: layers + 1 }, (_, row) => (row < layers ? String(row) : 'norm')), labelRoom: 40, rowHeight: rowHeight(layers), align: 'end',
      tracks: [{
        kind: 'cells', title: `Δ ${unit()}`, levels: arrays.levels.data, columns, palette: state.paletteOf(palette), key: keyOf(stops, unitEnd),
        names: Array.from({ length: columns }, (_, column) => state.nameOfToken(column)), blank: 'cannot change anything, or not computed yet', widest: 44, narrowest: 8,
      }],
    }, width),
    say: ({ row, column }) => {
      const value = values[row * columns + column];
      const outside = column < begin || (row === layers && column < columns - 1) || origin[column] === null;
      const said = outside ? 'cannot change anything, exactly 0' : Number.isNaN(value) ? 'not computed yet' : `${change(value)} ${unit()}`;
      return `${placeOf(json, { row, column })}${inA(column)}: ${said}`;
    },
    pick: (cell) => {
      press(cell);
      stepTo(cell.column);
    },
    frames: [{ from: token, to: token + 1, kind: 'mark' }],
  };
}

/** By layer and head, and the heads that change most. @param {Answer} answer @param {(cell: Cell) => void} press @returns {ChartOf[]} */
export function patchedHeadCharts({ json, arrays }, press) {
  const label = `Change by the head that is copied, ${json.layers} × ${json.columns}`;
  const [grid, list] = headCharts(json, arrays, { label, done: '', press: (row, column) => press({ row, column }) });
  return [{ ...grid, frames: [] }, list]; // not those of the tokens' grid, which may have stood here
}
