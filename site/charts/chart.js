// A chart on the page: a scene on a canvas whose values are read by pointing, touch and arrow keys; main thread.

import { computed } from '../vendor/signals-core.js';
import { drawScene } from './canvas.js';
import { theme } from './theme.js';
import { DRAG, followZoom } from './zoom.js';

/** @import {Area, Scene} from './scene.js' */

/**
 * A value of a scene: which of its areas, and the cell in it. @typedef {{ area: number, row: number, column: number }} Point
 * @typedef {{
 *   label: string, scene: (width: number) => Scene, say: (point: Point) => string, resting?: string,
 *   pick?: (point: Point) => void, action?: (point: Point) => { label: string, act: () => void } | null, frames?: Frame[],
 *   point?: (point: Point | null) => void, zoom?: import('./zoom.js').Zoom
 * }} ChartOf
 *   label: its accessible name; say: a value in words; resting: what is said while nothing is pointed at, if not what the chart says;
 *   pick: what pressing a value does; action: what is offered for the value that was pressed; point: told which value is pointed at;
 *   zoom: what wheel, pinch, drag and keys do to a scene that shows a part
 * @typedef {{ from: number, to: number, kind: 'mark' | 'span' }} Frame columns of the first area that stand out
 */

export class Chart {
  element = document.createElement('div');
  #stage = document.createElement('div');
  #canvas = document.createElement('canvas');
  #names = document.createElement('canvas');
  #ring = document.createElement('div');
  #frames = document.createElement('div');
  #readout = document.createElement('p');
  /** @type {ChartOf | null} */
  #of = null;
  /** @type {Scene | null} the one that is drawn */
  #scene = null;
  /** What the next scene is made from: it is made, and drawn, again only if something has changed. */
  #made = { of: /** @type {ChartOf | null} */ (null), width: 0, scene: computed(() => /** @type {Scene | null} */ (null)) };
  /** @type {Point | null} */
  #point = null;
  #resting;
  #held = false; // whether the point stays when the pointer leaves
  #width = 0;
  /** @type {Frame[]} */
  #framed = [];
  #revealed = ''; // the mark that was brought into sight

  /**
   * @param {{ resting: string, onPoint?: (point: Point | null) => void, onBrush?: (from: number, to: number) => void }} how
   *   resting: what is said while nothing is pointed at; onBrush: `to` is exclusive
   */
  constructor({ resting, onPoint, onBrush }) {
    this.how = { resting, onPoint };
    this.#resting = resting;
    this.element.className = 'chart';
    this.#stage.className = 'chart-stage';
    this.#stage.tabIndex = 0;
    this.#stage.setAttribute('role', 'application');
    this.#stage.setAttribute('aria-roledescription', 'chart');
    for (const each of [this.#canvas, this.#names]) each.ariaHidden = 'true';
    this.#names.className = 'chart-names';
    this.#ring.className = 'chart-point';
    this.#frames.className = 'chart-frames';
    this.#readout.className = 'readout';
    this.#readout.setAttribute('aria-live', 'polite');
    this.#stage.append(this.#canvas, this.#frames, this.#ring, this.#names);
    this.element.append(this.#stage, this.#readout);
    this.#listen(onBrush);
    followZoom(this.#stage, (x, y) => this.#find(x, y), () => this.#of?.zoom ?? null);
    new ResizeObserver(() => {
      if (this.element.clientWidth === this.#width) return;
      this.#width = this.element.clientWidth;
      this.#draw();
    }).observe(this.element);
    this.#tell();
  }

  /** Shows a scene, or nothing in the same room. @param {ChartOf | null} of */
  show(of) {
    this.#of = of;
    if (of) {
      this.#stage.setAttribute('aria-label', of.label);
      this.#resting = of.resting ?? this.how.resting;
      this.#draw();
    } else {
      this.#canvas.getContext('2d')?.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
      this.#made.of = null;
    }
    this.element.classList.toggle('blank', !of);
    if (!of) this.#choose(null);
    else this.#tell();
  }

  #draw() {
    const of = this.#of;
    const width = (this.#width ||= this.element.clientWidth); // asked for once: each time, the browser would lay out the page
    if (!of || !width) return;
    if (of !== this.#made.of || width !== this.#made.width) {
      this.#scene = null;
      this.#made = { of, width, scene: computed(() => (theme.value, { ...of.scene(width) })) };
    }
    const scene = this.#made.scene.value;
    if (!scene || scene === this.#scene) return;
    this.#scene = scene;
    drawScene(this.#canvas, scene);
    Object.assign(this.#canvas.style, { inlineSize: `${scene.width}px`, blockSize: `${scene.height}px` });
    const scrolls = scene.width > this.#width + 1 && scene.frozen;
    this.#names.hidden = !scrolls;
    if (scrolls) {
      drawScene(this.#names, { ...scene, width: scene.frozen ?? 0 });
      Object.assign(this.#names.style, { inlineSize: `${scene.frozen}px`, blockSize: `${scene.height}px` });
    }
    this.frame(of.frames ?? this.#framed);
    this.#place();
  }

  /** Columns that stand out; the marked one is kept in sight. @param {Frame[]} frames */
  frame(frames) {
    this.#framed = frames;
    const area = this.#scene?.areas[0];
    this.#frames.replaceChildren();
    if (!area) return;
    const step = area.width / Math.max(1, area.columns);
    for (const { from, to, kind } of frames) {
      if (from < 0 || from >= area.columns) continue;
      const box = document.createElement('div');
      box.className = kind;
      const left = area.x + from * step;
      Object.assign(box.style, { left: `${left}px`, width: `${Math.max(2, (to - from) * step)}px`, top: `${area.y}px`, height: `${area.height}px` });
      this.#frames.append(box);
      if (kind !== 'mark' || this.#revealed === `${from} of ${area.columns}`) continue; // else, where the visitor scrolled would be lost
      this.#revealed = `${from} of ${area.columns}`;
      this.#reveal(left, step);
    }
  }

  /** @param {number} left @param {number} width */
  #reveal(left, width) {
    const { scrollLeft, clientWidth, scrollWidth } = this.#stage;
    if (scrollWidth <= clientWidth) return;
    if (left < scrollLeft + (this.#scene?.frozen ?? 0) || left + width > scrollLeft + clientWidth) this.#stage.scrollLeft = left - clientWidth / 2;
  }

  /** @param {((from: number, to: number) => void) | undefined} onBrush */
  #listen(onBrush) {
    const stage = this.#stage;
    /** @type {{ x: number, point: Point } | null} */
    let start = null;
    let dragged = false;
    stage.addEventListener('pointerdown', (event) => {
      const point = this.#at(event);
      dragged = false;
      start = onBrush && point && event.pointerType !== 'touch' ? { x: event.clientX, point } : null;
      if (event.pointerType === 'touch') this.#choose(point, true);
    });
    stage.addEventListener('pointermove', (event) => {
      const point = this.#at(event);
      if (start && event.buttons && Math.abs(event.clientX - start.x) > DRAG) dragged = true;
      if (dragged && start && point) return this.frame([{ ...columnsOf(start.point, point), kind: 'span' }]);
      if (!this.#held && event.pointerType !== 'touch') this.#choose(point);
    });
    stage.addEventListener('pointerup', (event) => {
      const point = this.#at(event);
      if (dragged && start && point) {
        const { from, to } = columnsOf(start.point, point);
        onBrush?.(from, to);
      }
      start = null;
    });
    stage.addEventListener('pointerleave', (event) => {
      start = null;
      if (!this.#held && event.pointerType !== 'touch') this.#choose(null);
    });
    stage.addEventListener('click', (event) => {
      if (dragged) return;
      const point = this.#at(event);
      const again = this.#held && point && same(point, this.#point);
      this.#choose(point, Boolean(point && this.#of?.action && !again));
      if (point) this.#of?.pick?.(point);
    });
    stage.addEventListener('keydown', (event) => this.#onKey(event));
    stage.addEventListener('blur', () => {
      if (!this.#of?.action) this.#choose(null);
    });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!this.#scene) this.#draw(); // pressed before the first frame
    const areas = this.#scene?.areas ?? [];
    if (!areas.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const point = this.#point ?? { area: 0, row: 0, column: this.#framed.find(({ kind }) => kind === 'mark')?.from ?? -1 };
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step) this.#choose(moved(areas, point, step), true);
    else if (event.key === 'Home') this.#choose({ ...point, column: 0 }, true);
    else if (event.key === 'End') this.#choose({ ...point, column: areas[point.area].columns - 1 }, true);
    else if (event.key === 'Escape') this.#choose(null);
    else if (event.key === 'Enter' && this.#point) this.#of?.pick?.(this.#point);
    else return;
    event.preventDefault();
    event.stopPropagation();
    const area = this.#point && areas[this.#point.area];
    if (!area || !this.#point) return;
    this.#reveal(area.x + (this.#point.column * area.width) / area.columns, area.width / area.columns);
    const { scrollTop, clientHeight } = this.#stage;
    const top = area.y + (this.#point.row * area.height) / area.rows;
    if (top < scrollTop || top + area.height / area.rows > scrollTop + clientHeight) this.#stage.scrollTop = top - clientHeight / 2;
  }

  /** @param {Point | null} point @param {boolean} [held] */
  #choose(point, held = false) {
    this.#held = held;
    const changed = !same(point, this.#point);
    this.#point = point;
    this.#place();
    this.#tell();
    if (!changed) return;
    this.how.onPoint?.(point);
    this.#of?.point?.(point);
  }

  #place() {
    const point = this.#point;
    const area = point && this.#scene?.areas[point.area];
    const inside = area && point.row < area.rows && point.column < area.columns;
    this.#ring.hidden = !inside;
    if (!inside) return void (this.#point = null);
    const [w, h] = [area.width / area.columns, area.height / area.rows];
    const [left, top] = [area.x + point.column * w, area.y + point.row * h];
    Object.assign(this.#ring.style, { left: `${left}px`, top: `${top}px`, width: `${Math.max(2, w)}px`, height: `${h}px` });
  }

  #tell() {
    const said = this.#of && this.#point ? this.#of.say(this.#point) : this.#resting;
    const action = this.#of?.action && this.#point && this.#held ? this.#of.action(this.#point) : null;
    const key = `${said} ${action?.label ?? ''}`;
    if (this.#readout.dataset.said === key) return;
    this.#readout.dataset.said = key;
    this.#readout.replaceChildren(said);
    if (!action) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small action';
    button.textContent = action.label;
    button.addEventListener('click', action.act);
    this.#readout.append(' ', button);
  }

  /** @param {MouseEvent} event @returns {Point | null} */
  #at(event) {
    return this.#find(event.clientX, event.clientY);
  }

  /** The value at a place of the window. @param {number} clientX @param {number} clientY @returns {Point | null} */
  #find(clientX, clientY) {
    const { left, top } = this.#canvas.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const areas = this.#scene?.areas ?? [];
    const area = areas.findIndex((each) => x >= each.x && x < each.x + each.width && y >= each.y && y < each.y + each.height);
    if (area < 0) return null;
    const { x: from, y: above, width, height, rows, columns } = areas[area];
    return { area, row: Math.floor(((y - above) / height) * rows), column: Math.floor(((x - from) / width) * columns) };
  }
}

/** @param {Point | null} a @param {Point | null} b */
const same = (a, b) => a?.area === b?.area && a?.row === b?.row && a?.column === b?.column;

/** The columns between two points. @param {Point} a @param {Point} b */
const columnsOf = (a, b) => ({ from: Math.min(a.column, b.column), to: Math.max(a.column, b.column) + 1 });

/**
 * The point one step on; at the side of an area, in the next area.
 * @param {Area[]} areas @param {Point} point @param {number[]} step rows, columns @returns {Point}
 */
function moved(areas, { area, row, column }, [down, right]) {
  const limit = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(count - 1, value));
  const { rows, columns } = areas[area];
  const next = column + right;
  if (right && next >= columns && area + 1 < areas.length) return { area: area + 1, row: limit(row, areas[area + 1].rows), column: 0 };
  if (right && next < 0 && column >= 0 && area > 0) return { area: area - 1, row: limit(row, areas[area - 1].rows), column: areas[area - 1].columns - 1 };
  return { area, row: limit(column < 0 ? row : row + down, rows), column: limit(column < 0 ? 0 : next, columns) };
}
