// The charts of a patch: by layer and token of the residual stream, or by layer and head with the largest listed; main thread.

import { keyOf, rowsScene } from '../../charts/rows.js';
import { signed } from '../../frame/format.js';
import { inUnit, unit } from '../../frame/units.js';
import { stepTo } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { labelOf } from '../../shared/token_text.js';

/** @import {PatchGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @typedef {{ json: PatchGrid, arrays: Views['patch']['answer']['arrays'] }} Answer */
/** A row and a column of the grid. @typedef {{ row: number, column: number }} Cell */

export const change = (/** @type {number} */ nats) => signed(inUnit(nats));
const rowHeight = (/** @type {number} */ layers) => (layers > 20 ? 12 : 18);

/** What a cell stands for. @param {PatchGrid} json @param {Cell} cell */
export function placeOf({ heads, layers, alignment: { b: texts } }, { row, column }) {
  if (heads) return `head ${row}.${column}`;
  return `${row < layers ? `layer ${row}` : 'final norm'}, ${labelOf(texts[column])} (${column + 1})`;
}

/** By layer and token. @param {Answer} answer @param {(cell: Cell) => void} press @returns {ChartOf} */
export function gridChart({ json, arrays }, press) {
  const { layers, columns, begin, palette, stops, alignment: { a, b: texts, origin } } = json;
  const values = arrays.deltas.data;
  const inA = (/** @type {number} */ token) => {
    const own = origin[token];
    return own === null ? ', nothing of A' : a[own] === texts[token] ? '' : `, in A ${labelOf(a[own])}`;
  };
  const token = state.current.value ?? -1;
  return {
    label: `Change by the layer and the token that are copied, ${layers + 1} × ${columns}`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: layers + 1 }, (_, row) => (row < layers ? String(row) : 'norm')), labelRoom: 40, rowHeight: rowHeight(layers), align: 'end',
      tracks: [{
        kind: 'cells', title: `Δ ${unit()}`, levels: arrays.levels.data, columns, palette: state.paletteOf(palette), key: keyOf(stops, change),
        ends: [labelOf(texts[0]), labelOf(texts[columns - 1])], widest: 44, narrowest: 8,
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
    frames: [...(begin ? [{ from: 0, to: begin, kind: /** @type {const} */ ('span') }] : []), { from: token, to: token + 1, kind: 'mark' }],
  };
}

/** By layer and head, and the heads that change most. @param {Answer} answer @param {(cell: Cell) => void} press @returns {ChartOf[]} */
export function headCharts({ json, arrays }, press) {
  const { layers, columns, palette, stops, top } = json;
  const values = arrays.deltas.data;
  const said = (/** @type {number} */ value) => (Number.isNaN(value) ? 'not computed yet' : `${change(value)} ${unit()}`);
  return [{
    label: `Change by the head that is copied, ${layers} × ${columns}`,
    scene: (width) => rowsScene({
      labels: Array.from({ length: layers }, (_, layer) => String(layer)), labelRoom: 24, rowHeight: rowHeight(layers), align: 'end',
      tracks: [{ kind: 'cells', title: 'heads', levels: arrays.levels.data, columns, palette: state.paletteOf(palette), key: keyOf(stops, change), ends: ['0', String(columns - 1)], widest: 26 }],
    }, width),
    frames: [],
    say: (cell) => `${placeOf(json, cell)}: ${said(values[cell.row * columns + cell.column])}`,
    pick: press,
  }, {
    label: 'The heads that change most',
    resting: 'Point at a bar for its value; press it to choose the head.',
    scene: (width) => rowsScene({
      labels: top.map(({ layer, head }) => `head ${layer}.${head}`), labelRoom: Math.min(120, width * 0.4), rowHeight: 20,
      tracks: [
        { kind: 'bars', title: `Δ ${unit()}`, axis: change, series: [{ values: top.map(({ value }) => value), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 56, texts: top.map(({ value }) => change(value)) },
      ],
    }, width),
    say: ({ row }) => (top[row] ? `head ${top[row].layer}.${top[row].head}: ${said(top[row].value)}` : ''),
    pick: ({ row }) => void (top[row] && press({ row: top[row].layer, column: top[row].head })),
  }];
}
