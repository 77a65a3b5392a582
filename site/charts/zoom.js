// Wheel, pinch, drag and keys for a chart that can show a part of its values; main thread.

/** @import {Point} from './chart.js' */

/**
 * `by` makes the part so many times as large around a value, or around its middle (null); `move` shifts it by shares of its size.
 * @typedef {{ by: (factor: number, at: Point | null) => void, move: (rows: number, columns: number) => void, whole: () => void, isWhole: () => boolean }} Zoom
 */

const STEP = 1.5; // factor of a key
const WHEEL = 0.0025; // logarithm of the factor for each pixel that a wheel turns
export const DRAG = 5; // px the pointer moves before it drags or selects
const KEY_MOVE = 0.2; // share of the part that an arrow with Shift moves it by

/**
 * The wheel zooms once the chart has the focus, or with Ctrl, which is what a trackpad's pinch sends: until then the page scrolls.
 * @param {HTMLElement} stage @param {(x: number, y: number) => Point | null} at the value at a place of the window @param {() => Zoom | null} zoomOf
 */
export function followZoom(stage, at, zoomOf) {
  stage.addEventListener('wheel', (event) => {
    const zoom = zoomOf();
    if (!zoom || !(event.ctrlKey || document.activeElement === stage)) return;
    if (zoom.isWhole() && event.deltaY > 0 && !event.ctrlKey) return; // there is nothing to zoom out of: the page scrolls
    event.preventDefault();
    zoom.by(Math.exp(event.deltaY * (event.deltaMode ? 16 : 1) * WHEEL * (event.ctrlKey ? 4 : 1)), at(event.clientX, event.clientY));
  }, { passive: false });
  stage.addEventListener('keydown', (event) => {
    const zoom = zoomOf();
    if (!zoom || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { '+': 1 / STEP, '=': 1 / STEP, '-': STEP, '−': STEP }[event.key];
    const move = event.shiftKey ? { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] : null;
    if (steps) zoom.by(steps, null);
    else if (event.key === '0') zoom.whole();
    else if (move) zoom.move(move[0] * KEY_MOVE, move[1] * KEY_MOVE);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation(); // arrows without Shift move the crosshair
  }, { capture: true });
  followDrag(stage, zoomOf);
  followPinch(stage, at, zoomOf);
}

/** @param {HTMLElement} stage @param {() => Zoom | null} zoomOf */
function followDrag(stage, zoomOf) {
  /** @type {{ x: number, y: number } | null} */
  let last = null;
  let dragged = false;
  stage.addEventListener('pointerdown', ({ clientX: x, clientY: y, button }) => {
    const zoom = zoomOf();
    dragged = false;
    last = zoom && !zoom.isWhole() && button === 0 ? { x, y } : null;
  });
  stage.addEventListener('pointermove', ({ clientX: x, clientY: y, buttons, pointerId }) => {
    const zoom = zoomOf();
    if (!last || !zoom || !buttons) return;
    if (!dragged && Math.hypot(x - last.x, y - last.y) < DRAG) return;
    if (!dragged) stage.setPointerCapture(pointerId);
    dragged = true;
    const side = Math.min(stage.clientWidth, stage.clientHeight);
    zoom.move((last.y - y) / side, (last.x - x) / side);
    last = { x, y };
  });
  for (const end of ['pointerup', 'pointercancel']) stage.addEventListener(end, () => (last = null));
  stage.addEventListener('click', (event) => dragged && event.stopImmediatePropagation(), { capture: true });
}

/** @param {HTMLElement} stage @param {(x: number, y: number) => Point | null} at @param {() => Zoom | null} zoomOf */
function followPinch(stage, at, zoomOf) {
  let apart = 0; // px between the two fingers
  const distance = (/** @type {TouchList} */ touches) => Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY);
  stage.addEventListener('touchstart', (event) => {
    if (event.touches.length !== 2 || !zoomOf()) return;
    event.preventDefault(); // the page must not zoom too
    apart = distance(event.touches);
  }, { passive: false });
  stage.addEventListener('touchmove', (event) => {
    const zoom = zoomOf();
    if (!apart || event.touches.length !== 2 || !zoom) return;
    event.preventDefault();
    const now = distance(event.touches);
    const [a, b] = event.touches;
    zoom.by(apart / Math.max(1, now), at((a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2));
    apart = now;
  }, { passive: false });
  stage.addEventListener('touchend', () => (apart = 0));
}
