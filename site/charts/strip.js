// Surprisal and entropy along a text: bars and lines by token, a cursor shared with the text, a brush; main thread.

import uPlot from '../vendor/uplot/uPlot.esm.js';
import { resolved } from './theme.js';

/** @typedef {(number | null)[]} Line [token], null where there is no number */
/**
 * @typedef {{
 *   onHover: (token: number | null) => void,
 *   onPick: (token: number) => void,
 *   onBrush: (from: number, to: number) => void
 * }} Handlers `to` is not part of the brushed tokens
 */

const HEIGHT = 132;

export class Strip {
  #plot;

  /** @param {HTMLElement} root @param {Handlers} handlers */
  constructor(root, { onHover, onPick, onBrush }) {
    const axis = { stroke: () => resolved('--ink-soft'), grid: { stroke: () => resolved('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' };
    this.#plot = new uPlot(
      {
        width: Math.max(200, root.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => null } },
        scales: { x: { time: false }, y: { range: (_, __, highest) => [0, Math.max(1, highest)] } },
        axes: [
          { ...axis, size: 26, values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? String(at + 1) : '')) },
          { ...axis, size: 34 },
        ],
        series: [
          {},
          { label: 'Surprisal', paths: uPlot.paths.bars?.({ size: [0.8, 12] }), fill: () => resolved('--bar'), width: 0, points: { show: false } },
          { label: 'Surprisal, mean of 15', stroke: () => resolved('--accent'), width: 2, points: { show: false } },
          { label: 'Entropy', stroke: () => resolved('--second'), width: 1.5, dash: [4, 3], points: { show: false } },
        ],
        hooks: {
          setSelect: [
            (plot) => {
              const { left, width } = plot.select;
              if (width < 4) return;
              const at = (/** @type {number} */ pixel) => Math.max(0, Math.round(plot.posToVal(pixel, 'x')));
              onBrush(at(left), at(left + width) + 1);
            },
          ],
        },
      },
      [[], [], [], []],
      root,
    );
    // Not uPlot's own hook: it also tells of a cursor that stands still while the data under it change.
    this.#plot.over.addEventListener('pointermove', (event) => {
      const { left } = this.#plot.over.getBoundingClientRect();
      onHover(this.#plot.posToIdx(event.clientX - left));
    });
    this.#plot.over.addEventListener('pointerleave', () => onHover(null));
    this.#plot.over.addEventListener('click', () => {
      const { idx } = this.#plot.cursor;
      if (this.#plot.select.width < 4 && typeof idx === 'number') onPick(idx);
    });
    new ResizeObserver(() => {
      if (root.clientWidth && root.clientWidth !== this.#plot.width) this.#plot.setSize({ width: root.clientWidth, height: HEIGHT });
    }).observe(root);
  }

  /** @param {{ surprisal: Line, smooth: Line, entropy: Line }} lines */
  draw({ surprisal, smooth, entropy }) {
    this.#plot.setData([surprisal.map((_, i) => i), surprisal, smooth, entropy]);
  }

  /** Draws again in the colours of the theme. */
  redraw() {
    this.#plot.redraw();
  }

  /** Shows where a token is. @param {number | null} token */
  mark(token) {
    const left = token === null ? -10 : this.#plot.valToPos(token, 'x');
    this.#plot.setCursor({ left, top: 0 }, true);
  }

  /** Marks brushed tokens. @param {{ from: number, to: number } | null} span */
  select(span) {
    const left = span ? this.#plot.valToPos(span.from - 0.5, 'x') : 0;
    const width = span ? this.#plot.valToPos(span.to - 0.5, 'x') - left : 0;
    this.#plot.setSelect({ left, width, top: 0, height: this.#plot.over.clientHeight }, false);
  }
}
