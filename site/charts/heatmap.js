// A grid of coloured cells on a canvas with row labels, a marked column and a line that says the cell pointed at; main thread.

import { paletteBytes, resolved } from './theme.js';

/** @import {Palette} from './theme.js' */

/**
 * @typedef {{ levels: ArrayLike<number>, rows: number, columns: number, names: string[], palette: Palette }} Grid
 *   levels [row, column]: steps of the palette, -1: nothing; names [row]
 */

/** @param {Grid} grid the picture, one pixel a cell */
function image({ levels, rows, columns, palette }) {
  const colours = paletteBytes(palette);
  const pixels = new ImageData(Math.max(1, columns), Math.max(1, rows));
  for (let i = 0; i < rows * columns; i++) {
    if (levels[i] >= 0) pixels.data.set(colours.subarray(4 * levels[i], 4 * levels[i] + 4), 4 * i);
  }
  return pixels;
}

export class Heatmap {
  element = document.createElement('div');
  #scroller = document.createElement('div');
  #canvas = document.createElement('canvas');
  #mark = document.createElement('div');
  #names = document.createElement('div');
  #readout = document.createElement('p');
  /** @type {Grid} */
  #grid = { levels: [], rows: 0, columns: 0, names: [], palette: { light: [], dark: [] } };
  #cell = { width: 1, height: 1 };
  #marked = -1;

  /**
   * @param {{ label: string, describe: (row: number, column: number) => string, rowHeight?: number, widest?: number,
   *           onPick?: (row: number, column: number) => void, resting?: string }} options
   *   describe: the line for a cell; resting: the line while none is pointed at; widest: of a cell, in pixels
   */
  constructor({ label, describe, rowHeight = 10, widest = 48, onPick, resting = '' }) {
    this.options = { describe, rowHeight, widest, resting };
    this.element.className = 'heatmap';
    this.#scroller.className = 'scroller';
    this.#scroller.tabIndex = 0;
    this.#scroller.setAttribute('role', 'img');
    this.#scroller.setAttribute('aria-label', label);
    this.#mark.className = 'mark-column';
    this.#names.className = 'row-names';
    this.#names.ariaHidden = 'true';
    this.#readout.className = 'readout';
    this.#readout.textContent = resting;
    this.#scroller.append(this.#canvas, this.#mark);
    this.element.append(this.#names, this.#scroller, this.#readout);
    this.#canvas.addEventListener('pointermove', (event) => this.#say(this.#cellAt(event)));
    this.#canvas.addEventListener('pointerleave', () => this.#say(null));
    this.#canvas.addEventListener('click', (event) => {
      const cell = this.#cellAt(event);
      if (cell) onPick?.(...cell);
    });
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  /** @param {Grid} grid */
  draw(grid) {
    const { rows, columns, names } = (this.#grid = grid);
    this.#canvas.width = Math.max(1, columns);
    this.#canvas.height = Math.max(1, rows);
    const every = Math.ceil(12 / this.options.rowHeight);
    if (this.#names.childElementCount !== rows || this.#names.dataset.names !== names.join()) {
      this.#names.dataset.names = names.join();
      this.#names.replaceChildren(...names.map((name, i) => {
        const element = document.createElement('span');
        element.textContent = i % every && i !== rows - 1 ? '' : name;
        if (i === rows - 1 && every > 1 && i % every) element.textContent = '';
        element.style.blockSize = `${this.options.rowHeight}px`;
        return element;
      }));
    }
    this.#canvas.getContext('2d')?.putImageData(image(grid), 0, 0);
    this.resize();
  }

  /** Shows nothing. */
  clear() {
    this.draw({ ...this.#grid, levels: [], rows: 0, columns: 0, names: [] });
  }

  /** Fits the cells to the room there is; they scroll where that would make them too narrow. */
  resize() {
    const { rows, columns } = this.#grid;
    const room = this.element.clientWidth - this.#names.offsetWidth - 2;
    if (room <= 0 || !columns) return;
    this.#cell = { width: Math.max(3, Math.min(this.options.widest, room / columns)), height: this.options.rowHeight };
    this.#canvas.style.inlineSize = `${this.#cell.width * columns}px`;
    this.#canvas.style.blockSize = `${this.#cell.height * rows}px`;
    this.mark(this.#marked);
  }

  /** Marks a column and keeps it in sight; -1: none. @param {number} column */
  mark(column) {
    this.#marked = column;
    this.#mark.hidden = column < 0 || column >= this.#grid.columns;
    if (this.#mark.hidden) return;
    const { width, height } = this.#cell;
    this.#mark.style.insetInlineStart = `${column * width}px`;
    this.#mark.style.inlineSize = `${width}px`;
    this.#mark.style.blockSize = `${height * this.#grid.rows}px`;
    const { scrollLeft, clientWidth } = this.#scroller;
    if (column * width < scrollLeft || (column + 1) * width > scrollLeft + clientWidth) this.#scroller.scrollLeft = column * width - clientWidth / 2;
  }

  /** For a saved picture. @returns {import('./picture.js').Part} */
  part() {
    const { rows, columns, names } = this.#grid;
    const row = Math.max(12, this.options.rowHeight);
    return {
      height: row * rows + 8,
      paint: (context, top, width) => {
        const left = 90;
        const cell = Math.min(this.options.widest, (width - left) / columns);
        context.imageSmoothingEnabled = false;
        context.drawImage(this.#canvas, left, top, cell * columns, row * rows);
        context.textBaseline = 'middle';
        context.fillStyle = resolved('--ink-soft');
        names.forEach((name, i) => context.fillText(name, 0, top + row * (i + 0.5), left - 8));
        context.strokeStyle = resolved('--ink');
        if (this.#marked >= 0) context.strokeRect(left + this.#marked * cell, top, cell, row * rows);
      },
    };
  }

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number] | null} */
  #cellAt(event) {
    const { left, top } = this.#canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / this.#cell.width);
    const row = Math.floor((event.clientY - top) / this.#cell.height);
    const { rows, columns } = this.#grid;
    return row >= 0 && row < rows && column >= 0 && column < columns ? [row, column] : null;
  }

  /** @param {[number, number] | null} cell */
  #say(cell) {
    this.#readout.textContent = cell ? this.options.describe(...cell) : this.options.resting;
  }
}
