// The chart of rows: layers, tokens or classes down the side; bars, cells, words or numbers in tracks beside them; pure, any thread.

import { colourAt, line, NORMAL, rect, SMALL, text } from './scene.js';

/** @import {Colour, Mark, Palette, Scene} from './scene.js' */

/**
 * @typedef {{ value: number, level: number }} Stop of a palette
 * @typedef {{ kind: 'bars', title: string, series: { values: (number | null)[], fill: Colour, fills?: (Colour | null)[], name?: string }[],
 *             axis: (value: number) => string, most?: number, share?: number }} Bars
 *   one bar a row and series, from 0, or on both sides of it if there are negative values; most: the end of the axis if it is not the largest value;
 *   a longer bar is cut off there, which two strokes across it say
 * @typedef {{ kind: 'cells', title: string, levels: ArrayLike<number>, columns: number, palette: Palette, key: { level: number, label: string }[],
 *             ends?: [string, string], names?: string[], blank?: string, widest?: number, narrowest?: number, share?: number }} Grid
 *   ends: names of the first and last column; names: of every column, written upwards as far as they fit
 *   blank: the legend for cells of level -1, which are struck through
 * @typedef {{ kind: 'words', title: string, words: { text: string, level: number, strong?: boolean }[], palette: Palette, share?: number }} Words
 * @typedef {{ kind: 'numbers', title: string, texts: string[], room: number }} Figures
 * @typedef {Bars | Grid | Words | Figures} Track
 * @typedef {{ labels: string[], tracks: Track[], labelRoom: number, rowHeight: number, mono?: boolean, marked?: number[],
 *             align?: 'start' | 'end' }} Rows
 *   marked: rows that stand out
 */

const GAP = 8; // between tracks
const TITLE = 18; // height of the line of titles
const AXIS = 18;
const NAMES = 78; // height of names written upwards
const NAME = 12; // px between two of them
const KEY = 22;
const WIDEST_KEY = 260;
const BREAK = 16; // px from the end of a bar that was cut off to the strokes across it

/** @param {Rows} rows @param {number} width @returns {Scene} */
export function rowsScene({ labels, tracks, labelRoom, rowHeight, mono, marked = [], align = 'start' }, width) {
  const count = labels.length;
  const bottom = TITLE + count * rowHeight;
  const middle = (/** @type {number} */ row) => TITLE + (row + 0.5) * rowHeight;
  const places = placed(tracks, labelRoom, width);
  const whole = Math.max(width, ...places.map(({ x, width: own }) => x + own));
  const size = Math.min(NORMAL, Math.max(SMALL, rowHeight - 5));
  const every = Math.ceil((size + 1) / rowHeight);
  /** @type {Mark[]} */
  const marks = marked.map((row) => rect(0, TITLE + row * rowHeight, whole, rowHeight, 'accent-soft', 3));
  labels.forEach((label, row) => {
    if (row % every) return;
    const strong = marked.includes(row);
    const x = align === 'end' ? labelRoom - 6 : 2;
    const fill = strong || mono ? 'ink' : 'ink-soft';
    marks.push(text(x, middle(row), label, { size: align === 'end' ? SMALL : size, mono, align, room: labelRoom - 8, fill, weight: strong ? 700 : 400 }));
  });
  tracks.forEach((track, i) => {
    const place = places[i];
    const right = track.kind === 'numbers';
    const room = place.width + (i + 1 < tracks.length ? GAP - 2 : 0);
    marks.push(text(right ? place.x + place.width : place.x, TITLE / 2, track.title, { align: right ? 'end' : 'start', room }));
    if (track.kind === 'bars') marks.push(...bars(track, place, rowHeight, bottom));
    else if (track.kind === 'cells') marks.push(...cells(track, place, count, rowHeight, bottom, whole));
    else if (track.kind === 'words') marks.push(...words(track, place, rowHeight));
    else track.texts.forEach((value, row) => marks.push(text(place.x + place.width, middle(row), value, { align: 'end', size, fill: 'ink', room: place.width })));
  });
  const keyed = tracks.some(({ kind }) => kind === 'cells');
  const blank = tracks.some((track) => track.kind === 'cells' && track.blank);
  return {
    width: whole,
    height: bottom + Math.max(2, ...tracks.map(axisOf)) + (keyed ? KEY : 0) + (blank ? KEY : 0),
    marks,
    areas: tracks.map((track, i) => ({ ...places[i], y: TITLE, height: count * rowHeight, rows: count, columns: track.kind === 'cells' ? track.columns : 1 })),
    frozen: labelRoom,
  };
}

/** Height of what is written below a track. @param {Track} track */
const axisOf = (track) => (track.kind === 'bars' ? AXIS : track.kind !== 'cells' ? 0 : track.names ? NAMES : track.ends ? AXIS : 0);

/** Where each track lies. @param {Track[]} tracks @param {number} left @param {number} width @returns {{ x: number, width: number }[]} */
function placed(tracks, left, width) {
  const shareOf = (/** @type {Track} */ track) => (track.kind === 'numbers' ? 0 : (track.share ?? 1));
  const fixed = tracks.reduce((sum, track) => sum + GAP + (track.kind === 'numbers' ? track.room : 0), -GAP);
  const each = (width - left - fixed) / Math.max(1, tracks.reduce((sum, track) => sum + shareOf(track), 0));
  let x = left;
  return tracks.map((track) => {
    let own = track.kind === 'numbers' ? track.room : Math.max(8, each * shareOf(track));
    if (track.kind === 'cells') own = track.columns * Math.max(track.narrowest ?? 3, Math.min(track.widest ?? 40, own / track.columns));
    const place = { x, width: own };
    x += own + GAP;
    return place;
  });
}

/** @param {Bars} track @param {{ x: number, width: number }} place @param {number} rowHeight @param {number} bottom @returns {Mark[]} */
function bars({ series, axis, most }, { x, width }, rowHeight, bottom) {
  const known = series.flatMap(({ values }) => values.flatMap((value) => (value !== null && Number.isFinite(value) ? [value] : [])));
  const high = most ?? Math.max(0, ...known);
  const low = Math.min(0, ...known);
  const scale = width / (high - low || 1);
  const zero = x - low * scale;
  const key = series.filter(({ name }) => name);
  const pad = rowHeight > 14 ? 3 : 1;
  const thick = (rowHeight - 2 * pad) / series.length;
  /** @type {Mark[]} */
  const marks = [line([[[zero, TITLE], [zero, bottom]]], 'line-strong')];
  series.forEach(({ values, fill, fills }, s) =>
    values.forEach((value, row) => {
      if (value === null || !Number.isFinite(value) || value === 0) return;
      const length = Math.max(1, Math.min(Math.abs(value) * scale, value < 0 ? zero - x : x + width - zero));
      const [y, height] = [TITLE + row * rowHeight + pad + s * thick, Math.max(1, thick - 0.5)];
      marks.push(rect(value < 0 ? zero - length : zero, y, length, height, fills?.[row] ?? fill, 1));
      if (value > high) marks.push(line([BREAK, BREAK - 4].map((left) => stroke(x + width - left, y - 1, 4, height + 2)), 'panel', 2));
    }));
  const at = bottom + AXIS / 2;
  key.forEach(({ name = '', fill }, i) => {
    const left = x + (i * width) / key.length;
    marks.push(rect(left, TITLE / 2 - 4, 8, 8, fill, 2), text(left + 12, TITLE / 2, name, { room: width / key.length - 14 }));
  });
  if (low < 0 || width >= 52) marks.push(text(x, at, axis(low)));
  if (known.length) marks.push(text(x + width, at, axis(high), { align: 'end' }));
  return marks;
}

/**
 * @param {Grid} track @param {{ x: number, width: number }} place @param {number} rows @param {number} rowHeight @param {number} bottom
 * @param {number} whole width of the scene @returns {Mark[]}
 */
function cells({ levels, columns, palette, key, ends, names, blank }, { x, width }, rows, rowHeight, bottom, whole) {
  const gap = Math.min(width / columns, rowHeight) >= 5 ? 1 : 0;
  /** @type {Mark[]} */
  const marks = [{ kind: 'cells', x, y: TITLE, width, height: rows * rowHeight, rows, columns, levels, palette, gap }];
  if (ends && columns) {
    marks.push(text(x, bottom + AXIS / 2, ends[0]));
    if (columns > 1) marks.push(text(x + width, bottom + AXIS / 2, ends[1], { align: 'end' }));
  }
  const step = width / columns;
  const every = Math.ceil(NAME / step);
  names?.forEach((name, column) => {
    if (column % every) return;
    marks.push(text(x + (column + 0.5) * step, bottom + 4, name, { align: 'end', mono: true, room: NAMES - 8, fill: 'ink', upright: true }));
  });
  const left = Math.max(0, Math.min(x, whole - WIDEST_KEY));
  const under = bottom + (names ? NAMES : ends ? AXIS : 4) + KEY / 2;
  marks.push(...keyMarks(palette, key, left, under, whole - left));
  if (!blank) return marks;
  const struck = Array.from({ length: rows * columns }, (_, i) => i).filter((i) => !(levels[i] >= 0))
    .map((i) => stroke(x + (i % columns) * step, TITLE + Math.floor(i / columns) * rowHeight, step - gap, rowHeight - gap));
  if (!struck.length) return marks;
  const sample = line([stroke(left, under + KEY - 5, 10, 10)], 'line-strong');
  return [...marks, line(struck, 'line-strong'), sample, text(left + 16, under + KEY, blank, { room: whole - left - 16 })];
}

/**
 * From the lower left corner to the upper right one.
 * @param {number} x @param {number} y @param {number} width @param {number} height @returns {[number, number][]}
 */
const stroke = (x, y, width, height) => [[x, y + height], [x + width, y]];

/**
 * The ends of a palette's scale, as numbers or in words.
 * @param {Stop[]} stops @param {(value: number) => string} format @param {[string, string]} [words]
 */
export const keyOf = (stops, format, words) =>
  [stops[0], stops[stops.length - 1]].map(({ value, level }, i) => ({ level, label: words ? words[i] : format(value) }));

/**
 * What the steps of a palette mean: a ramp between its ends.
 * @param {Palette} palette @param {{ level: number, label: string }[]} key @param {number} x @param {number} y @param {number} width @returns {Mark[]}
 */
export function keyMarks(palette, key, x, y, width) {
  if (!key.length) return [];
  const [first, last] = [key[0], key[key.length - 1]];
  const room = Math.min(width, WIDEST_KEY) - 4;
  const label = Math.min(84, room * 0.38);
  const ramp = Math.max(16, room - 2 * label - 12);
  const steps = 24;
  const levels = Array.from({ length: steps }, (_, i) => Math.round(first.level + ((last.level - first.level) * i) / (steps - 1)));
  return [
    text(x + label, y, first.label, { align: 'end', room: label }),
    { kind: 'cells', x: x + label + 6, y: y - 4, width: ramp, height: 8, rows: 1, columns: steps, levels, palette, gap: 0 },
    text(x + label + ramp + 12, y, last.label, { room: label }),
  ];
}

/** @param {Words} track @param {{ x: number, width: number }} place @param {number} rowHeight @returns {Mark[]} */
function words({ words: list, palette }, { x, width }, rowHeight) {
  return list.flatMap(({ text: value, level, strong }, row) => {
    const y = TITLE + row * rowHeight;
    const fill = colourAt(palette, level);
    return [
      ...(fill ? [rect(x, y + 3, 5, rowHeight - 6, fill, 1)] : []),
      text(x + 10, y + rowHeight / 2, value, { mono: true, size: Math.min(NORMAL - 1, rowHeight - 5), fill: 'ink', weight: strong ? 700 : 400, room: width - 12 }),
    ];
  });
}
