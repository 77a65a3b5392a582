// Draws a scene on a canvas, for the page and for PNG files; main thread.

import { css, theme } from './theme.js';
import { SANS, MONO } from './fonts.js';

/** @import {Cells, Scene, Text} from './scene.js' */

export const LONGEST_SIDE = 16_000; // px of a canvas that every browser allows

const scratch = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));

/** @param {Pick<Text, 'size' | 'weight' | 'mono'>} text */
const fontOf = ({ size, weight = 400, mono }) => `${weight} ${size}px ${mono ? MONO : SANS}`;

const MOST_WIDTHS = 20_000;
/** Widths that were measured, by font and text: the tokens of a text are measured again for every chart. @type {Map<string, Map<string, number>>} */
const widths = new Map();
let measured = 0;

/** Width of a text in px. @param {string} text @param {number} size @param {boolean} [mono] @param {number} [weight] */
export function measure(text, size, mono, weight) {
  const font = fontOf({ size, weight, mono });
  let ofFont = widths.get(font);
  if (!ofFont) widths.set(font, (ofFont = new Map()));
  const known = ofFont.get(text);
  if (known !== undefined) return known;
  if (measured++ > MOST_WIDTHS) {
    widths.clear();
    widths.set(font, (ofFont = new Map()));
    measured = 0;
  }
  scratch.font = font;
  const { width } = scratch.measureText(text);
  ofFont.set(text, width);
  return width;
}

/** As much of a text as fits its room, with an ellipsis if it is cut. @param {Text} mark */
export function fitted({ text, size, mono, weight, room }) {
  if (room === undefined || measure(text, size, mono, weight) <= room) return text;
  const all = Array.from(text);
  let low = 0;
  for (let high = all.length; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(`${all.slice(0, middle).join('')}…`, size, mono, weight) <= room) low = middle;
    else high = middle - 1;
  }
  return low ? `${all.slice(0, low).join('')}…` : '';
}

/**
 * Sizes the canvas for a scene and draws it.
 * @param {HTMLCanvasElement} canvas @param {Scene} scene @param {number} [sharp] px of the canvas for each px of the scene
 */
export function drawScene(canvas, scene, sharp = devicePixelRatio) {
  const scale = Math.min(sharp, LONGEST_SIDE / Math.max(scene.width, scene.height));
  const [width, height] = [Math.max(1, Math.round(scene.width * scale)), Math.max(1, Math.round(scene.height * scale))];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.scale(scale, scale);
  paint(context, scene);
}

/** @param {CanvasRenderingContext2D} context @param {Scene} scene */
export function paint(context, { marks }) {
  context.textBaseline = 'middle';
  let font = ''; // the one that is set: setting it takes longer than drawing a text
  for (const mark of marks) {
    if (mark.kind === 'rect') {
      context.fillStyle = css(mark.fill);
      if (mark.radius) {
        context.beginPath();
        context.roundRect(mark.x, mark.y, mark.width, mark.height, Math.min(mark.radius, mark.width / 2, mark.height / 2));
        context.fill();
      } else context.fillRect(mark.x, mark.y, mark.width, mark.height);
    } else if (mark.kind === 'line') {
      context.strokeStyle = css(mark.stroke);
      context.lineWidth = mark.width;
      context.setLineDash(mark.dash ?? []);
      context.beginPath();
      for (const path of mark.paths) path.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    } else if (mark.kind === 'text') {
      const needed = fontOf(mark);
      if (needed !== font) context.font = font = needed;
      context.fillStyle = css(mark.fill);
      context.textAlign = mark.align === 'middle' ? 'center' : mark.align === 'end' ? 'right' : 'left';
      if (mark.upright) {
        context.save();
        context.translate(mark.x, mark.y);
        context.rotate(-Math.PI / 2);
        context.fillText(fitted(mark), 0, 0);
        context.restore();
      } else context.fillText(fitted(mark), mark.x, mark.y);
    } else paintCells(context, mark);
  }
}

/**
 * Palettes in the current theme: CSS colours, and the same as pixels.
 * @type {WeakMap<object, { theme: string, colours: string[], pixels: Uint32Array }>}
 */
const known = new WeakMap();

/** @param {import('./scene.js').Palette} palette */
function coloursOf(palette) {
  const found = known.get(palette);
  if (found?.theme === theme.peek()) return found;
  const colours = palette.light.map((light, level) => css([light, palette.dark[level]]));
  const bytes = new Uint8ClampedArray(4 * colours.length);
  colours.forEach((code, level) => bytes.set([1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16)).concat(255), 4 * level)); // #rrggbb
  const resolved = { theme: theme.peek(), colours, pixels: new Uint32Array(bytes.buffer) };
  known.set(palette, resolved);
  return resolved;
}

const image = document.createElement('canvas');

/** @param {CanvasRenderingContext2D} context @param {Cells} mark */
function paintCells(context, { x, y, width, height, rows, columns, levels, palette, gap }) {
  if (!rows || !columns) return;
  const { colours, pixels: from } = coloursOf(palette);
  if (gap) {
    const [w, h] = [width / columns, height / rows];
    for (let i = 0; i < rows * columns; i++) {
      if (levels[i] < 0) continue;
      context.fillStyle = colours[levels[i]];
      context.fillRect(x + (i % columns) * w, y + Math.floor(i / columns) * h, w - gap, h - gap);
    }
    return;
  }
  const pixels = new ImageData(columns, rows);
  const to = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < to.length; i++) if (levels[i] >= 0) to[i] = from[levels[i]];
  if (image.width !== columns || image.height !== rows) Object.assign(image, { width: columns, height: rows });
  image.getContext('2d')?.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, x, y, width, height);
}
