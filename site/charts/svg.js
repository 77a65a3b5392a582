// A scene as an SVG document; pure, any thread.

import { MONO, SANS } from './fonts.js';

/** @import {Cells, Colour, Mark, Scene, Text} from './scene.js' */

/**
 * What the document is drawn with: colours as CSS, and texts cut to their room.
 * @typedef {{ css: (colour: Colour) => string, fitted: (text: Text) => string, ground: string }} Means
 */

const NAMES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
// XML has no way to write control characters.
const escaped = (/** @type {string} */ text) => text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd').replace(/[&<>"]/g, (each) => NAMES[/** @type {'&'} */ (each)]);
const at = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);

/** @param {Scene} scene @param {string} title @param {number} margin @param {Means} means @param {string} [about] its metadata */
export function svgOf({ width, height, marks }, title, margin, { css, fitted, ground }, about) {
  const [wide, high] = [width + 2 * margin, height + 2 * margin];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${at(wide)}" height="${at(high)}" viewBox="${-margin} ${-margin} ${at(wide)} ${at(high)}" font-family="${escaped(SANS)}" role="img">
<title>${escaped(title)}</title>${about ? `\n<metadata>${escaped(about)}</metadata>` : ''}
<rect x="${-margin}" y="${-margin}" width="${at(wide)}" height="${at(high)}" fill="${ground}"/>
${marks.map((mark) => markOf(mark, css, fitted)).join('\n')}
</svg>
`;
}

/** @param {Mark} mark @param {Means['css']} css @param {Means['fitted']} fitted */
function markOf(mark, css, fitted) {
  if (mark.kind === 'rect') return `<rect x="${at(mark.x)}" y="${at(mark.y)}" width="${at(mark.width)}" height="${at(mark.height)}"${mark.radius ? ` rx="${mark.radius}"` : ''} fill="${css(mark.fill)}"/>`;
  if (mark.kind === 'line') {
    const path = mark.paths.map((points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${at(x)} ${at(y)}`).join('')).join('');
    return `<path d="${path}" fill="none" stroke="${css(mark.stroke)}" stroke-width="${mark.width}"${mark.dash ? ` stroke-dasharray="${mark.dash.join(' ')}"` : ''}/>`;
  }
  if (mark.kind === 'text') {
    const how = `${mark.align === 'start' ? '' : ` text-anchor="${mark.align}"`}${mark.weight ? ` font-weight="${mark.weight}"` : ''}${mark.mono ? ` font-family="${escaped(MONO)}"` : ''}${mark.upright ? ` transform="rotate(-90 ${at(mark.x)} ${at(mark.y)})"` : ''}`;
    return `<text x="${at(mark.x)}" y="${at(mark.y)}" font-size="${mark.size}" dominant-baseline="central" xml:space="preserve"${how} fill="${css(mark.fill)}">${escaped(fitted(mark))}</text>`;
  }
  return cellsOf(mark, css);
}

/** One path for each colour; neighbours of one colour are one rectangle. @param {Cells} mark @param {Means['css']} css */
function cellsOf({ x, y, width, height, rows, columns, levels, palette, gap }, css) {
  const [w, h] = [width / Math.max(1, columns), height / Math.max(1, rows)];
  /** @type {Map<number, string[]>} */
  const paths = new Map();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; ) {
      const level = levels[row * columns + column];
      let end = column + 1;
      if (!gap) while (end < columns && levels[row * columns + end] === level) end++;
      const length = at((end - column) * w - gap);
      if (level >= 0) paths.set(level, [...(paths.get(level) ?? []), `M${at(x + column * w)} ${at(y + row * h)}h${length}v${at(h - gap)}h-${length}z`]);
      column = end;
    }
  }
  const all = [...paths].map(([level, parts]) => `<path d="${parts.join('')}" fill="${css([palette.light[level], palette.dark[level]])}"/>`);
  return `<g shape-rendering="crispEdges">${all.join('')}</g>`;
}
