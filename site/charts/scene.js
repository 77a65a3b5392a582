// What a chart is made of: a scene is plain objects that canvas.js and svg.js draw; pure, any thread.

/**
 * A colour is a custom property of base.css without its dashes (“ink”), or CSS colours for both themes.
 * @typedef {string | [light: string, dark: string]} Colour
 * @typedef {{ light: string[], dark: string[] }} Palette CSS colours by step
 *
 * @typedef {{ kind: 'rect', x: number, y: number, width: number, height: number, fill: Colour, radius?: number }} Rect
 * @typedef {{ kind: 'line', paths: [number, number][][], stroke: Colour, width: number, dash?: number[] }} Line
 * @typedef {{ kind: 'text', x: number, y: number, text: string, size: number, fill: Colour, align: 'start' | 'middle' | 'end',
 *             weight?: number, mono?: boolean, room?: number, upright?: boolean }} Text `y` is the middle of the line; what does not fit `room` is cut
 *   with an ellipsis; upright: written upwards, from (x, y), and x is the middle of the line
 * @typedef {{ kind: 'cells', x: number, y: number, width: number, height: number, rows: number, columns: number, levels: ArrayLike<number>,
 *             palette: Palette, gap: number }} Cells levels [row, column]: steps of the palette, -1: nothing
 * @typedef {Rect | Line | Text | Cells} Mark
 *
 * @typedef {{ x: number, y: number, width: number, height: number, rows: number, columns: number }} Area values to be pointed at, evenly spaced
 * @typedef {{ width: number, height: number, marks: Mark[], areas: Area[], frozen?: number }} Scene
 *   frozen: pixels at the left that stay in sight while a wide scene scrolls
 */

export const SMALL = 11; // px: axes and notes
export const NORMAL = 13; // px: labels of rows

/** @param {number} x @param {number} y @param {string} value @param {Partial<Text>} [how] @returns {Text} */
export const text = (x, y, value, how = {}) => ({ kind: 'text', x, y, text: value, size: SMALL, fill: 'ink-soft', align: 'start', ...how });

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {Colour} fill @param {number} [radius] @returns {Rect} */
export const rect = (x, y, width, height, fill, radius) => ({ kind: 'rect', x, y, width, height, fill, radius });

/** @param {[number, number][][]} paths @param {Colour} stroke @param {number} [width] @param {number[]} [dash] @returns {Line} */
export const line = (paths, stroke, width = 1, dash) => ({ kind: 'line', paths, stroke, width, dash });

/** @param {Palette} palette @param {number} level @returns {Colour | null} null for the level of no number */
export const colourAt = (palette, level) => (level < 0 ? null : [palette.light[level], palette.dark[level]]);

/** Scenes one below the other. @param {Scene[]} scenes @param {number} gap @returns {Scene} */
export function stack(scenes, gap) {
  let height = 0;
  const marks = scenes.flatMap((scene) => {
    const top = height;
    height += scene.height + gap;
    return scene.marks.map((mark) => moved(mark, 0, top));
  });
  return { width: Math.max(...scenes.map(({ width }) => width)), height, marks, areas: [] };
}

/** @param {Mark} mark @param {number} right @param {number} down @returns {Mark} */
export function moved(mark, right, down) {
  if (mark.kind !== 'line') return { ...mark, x: mark.x + right, y: mark.y + down };
  return { ...mark, paths: mark.paths.map((path) => path.map(([x, y]) => [x + right, y + down])) };
}
