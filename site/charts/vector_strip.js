// A long vector as a strip of coloured cells, folded into lines as wide as the room there is; main thread.

import { Heatmap } from './heatmap.js';

/** @import {Palette} from './theme.js' */

const CELL = 5; // pixels a value: wide enough to point at

export class VectorStrip {
  /** @type {{ levels: ArrayLike<number>, palette: Palette } | null} */
  #drawn = null;
  #perLine = 0;
  #heatmap;

  /** @param {{ label: string, describe: (index: number) => string, resting: string }} options */
  constructor({ label, describe, resting }) {
    this.#heatmap = new Heatmap({ label, resting, rowHeight: 14, widest: CELL, describe: (row, column) => describe(row * this.#perLine + column) });
    this.element = this.#heatmap.element;
    this.element.classList.add('strip');
    new ResizeObserver(() => this.#fold()).observe(this.element);
  }

  /** @param {ArrayLike<number>} levels [value] @param {Palette} palette */
  draw(levels, palette) {
    this.#drawn = { levels, palette };
    this.#perLine = 0;
    this.#fold();
  }

  part() {
    return this.#heatmap.part();
  }

  #fold() {
    if (!this.#drawn) return;
    const { levels, palette } = this.#drawn;
    const room = Math.floor((this.element.clientWidth - 48) / CELL);
    const perLine = Math.max(32, Math.min(levels.length, room >= 64 ? room - (room % 32) : room));
    if (perLine === this.#perLine) return;
    this.#perLine = perLine;
    const rows = Math.ceil(levels.length / perLine);
    const padded = Array.from({ length: rows * perLine }, (_, i) => levels[i] ?? -1);
    this.#heatmap.draw({ levels: padded, rows, columns: perLine, names: Array.from({ length: rows }, (_, row) => String(row * perLine)), palette });
  }
}
