// The tokens of the one text: which are pointed at, pinned and selected, and the keys that move among them; main thread.

import { byId } from '../frame/mount.js';
import { hover, pin, select, stepTo } from '../page/choices.js';
import { redo, undo } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';

/** @import {TokenElements} from './token_elements.js' */

/**
 * @param {HTMLElement} root
 * @param {TokenElements} elements
 * @param {import('../vendor/signals-core.js').Signal<{}>} drawn
 */
export function followTokens(root, elements, drawn) {
  showChoice(root, elements, drawn);
  showNewest(/** @type {HTMLElement} */ (root.parentElement), elements, drawn);
  const hasMoved = followPointer();
  root.addEventListener('pointerover', (event) => {
    if (hasMoved(event)) hover(indexOf(event)); // else the text moved under the pointer
  });
  root.addEventListener('pointerleave', () => hover(null));
  root.addEventListener('keydown', (event) => {
    if (!event.altKey && onKey(event, elements)) event.preventDefault();
  });
}

/** @returns {(event: PointerEvent) => boolean} whether the pointer is elsewhere on the screen than it last was; true for a script's events */
function followPointer() {
  let [x, y] = [NaN, NaN];
  const note = (/** @type {PointerEvent} */ event) => void ([x, y] = [event.screenX, event.screenY]);
  for (const type of /** @type {const} */ (['pointermove', 'pointerdown', 'pointerup'])) addEventListener(type, note, { capture: true, passive: true });
  return (event) => {
    const moved = !event.isTrusted || event.screenX !== x || event.screenY !== y;
    note(event);
    return moved;
  };
}

/** The token that an event is about. @param {Event} event */
export function indexOf(event) {
  const element = /** @type {HTMLElement} */ (event.target).closest('[data-index]');
  return element ? Number(/** @type {HTMLElement} */ (element).dataset.index) : null;
}

/**
 * Marks the tokens that are pointed at, chosen and selected.
 * @param {HTMLElement} root
 * @param {TokenElements} elements
 * @param {import('../vendor/signals-core.js').Signal<{}>} drawn
 */
function showChoice(root, elements, drawn) {
  const scroller = /** @type {HTMLElement} */ (root.parentElement);
  let pinned = /** @type {HTMLElement | undefined} */ (undefined);
  let last = /** @type {number | null} */ (null); // the token that was in the sheet
  watch('pinned token', () => {
    pinned?.setAttribute('aria-selected', 'false');
    pinned?.closest('.group')?.classList.remove('open');
    drawn.value;
    pinned = elements.at(state.pinned.value);
    pinned?.setAttribute('aria-selected', 'true');
    pinned?.closest('.group')?.classList.add('open');
    const inSheet = state.sheetClosed.value ? null : state.pinned.value;
    if (pinned && inSheet !== null && last !== inSheet) keepAboveSheet(pinned);
    last = inSheet;
  });
  markWords(root, elements, drawn);
  let cursor = /** @type {HTMLElement | undefined} */ (undefined);
  watch('token pointed at', () => {
    cursor?.classList.remove('cursor');
    drawn.value;
    cursor = elements.at(state.hovered.value);
    cursor?.classList.add('cursor');
  });
  let revealed = /** @type {HTMLElement | undefined} */ (undefined);
  watch('active token', () => {
    drawn.value;
    const active = elements.at(state.pinned.value ?? state.hovered.value);
    if (active) root.setAttribute('aria-activedescendant', active.id);
    else root.removeAttribute('aria-activedescendant');
    if (active === revealed) return;
    revealed = active;
    if (active && !active.matches(':hover') && !scroller.contains(document.activeElement)) reveal(scroller, active);
    else if (active && document.activeElement === root) reveal(scroller, active);
  });
  /** @type {HTMLElement[]} */
  let selected = [];
  watch('selected tokens', () => {
    for (const element of selected) element.classList.remove('in-span');
    const chosen = state.span.value;
    const all = chosen ? Array.from({ length: chosen.to - chosen.from }, (_, i) => elements.at(chosen.from + i)) : [];
    selected = /** @type {HTMLElement[]} */ (all.filter(Boolean));
    for (const element of selected) element.classList.add('in-span');
    if (selected[0] && !scroller.contains(document.activeElement) && getSelection()?.isCollapsed !== false) reveal(scroller, selected[0]);
  });
}

/**
 * Marks the other tokens of the words that are pointed at and chosen.
 * @param {HTMLElement} root @param {TokenElements} elements @param {import('../vendor/signals-core.js').Signal<{}>} drawn
 */
function markWords(root, elements, drawn) {
  watch('whole words', () => root.classList.toggle('words', state.settings.value.words));
  for (const [name, token] of /** @type {const} */ ([['in-word', state.hovered], ['in-pinned-word', state.pinned]])) {
    /** @type {(HTMLElement | undefined)[]} */
    let marked = [];
    watch(name, () => {
      for (const element of marked) element?.classList.remove(name);
      drawn.value;
      const word = state.wordAt(token.value);
      marked = word ? Array.from({ length: word.stop - word.first }, (_, i) => elements.at(word.first + i)) : [];
      for (const element of marked) element?.classList.add(name);
    });
  }
}

/**
 * Keeps the newest token in sight while the model writes, unless the reader has scrolled away from it.
 * @param {HTMLElement} scroller @param {TokenElements} elements @param {import('../vendor/signals-core.js').Signal<{}>} drawn
 */
function showNewest(scroller, elements, drawn) {
  let [writing, ended] = [NaN, NaN]; // ids of runs
  let [follows, place] = [true, 0];
  const newest = () => elements.at(elements.length - 1);
  const follow = () => {
    const token = newest();
    if (!follows || !token) return;
    reveal(scroller, token);
    place = scroller.scrollTop;
  };
  scroller.addEventListener('scroll', () => {
    const token = newest();
    if (state.run.peek()?.id === writing && token && (!follows || scroller.scrollTop < place - 1)) follows = isSeen(scroller, token);
  }, { passive: true });
  new ResizeObserver(() => state.run.peek()?.id === writing && follow()).observe(scroller);
  watch('newest token', () => {
    drawn.value;
    const run = state.run.peek();
    if (run?.kind !== 'generate' || run.id === ended) return;
    if (run.id !== writing) [writing, follows, place] = [run.id, run.given === run.tokens.ids.length, 0]; // else it is only read again
    if (run.done) ended = run.id;
    requestAnimationFrame(follow);
  });
}

/** Whether all of a token is seen. @param {HTMLElement} scroller @param {HTMLElement} element */
function isSeen(scroller, element) {
  const box = scroller.getBoundingClientRect();
  const { top, bottom } = element.getBoundingClientRect();
  return top >= box.top && bottom <= box.bottom;
}

/** @param {HTMLElement} element */
function keepAboveSheet(element) {
  const room = state.lesson.peek() ? 0.38 : 0.48; // of the window, above the inspector and, in a lesson, the card: text.css, lessons.css
  const notice = byId('notice').getBoundingClientRect().height; // stands above them
  const hidden = element.getBoundingClientRect().bottom + notice - room * innerHeight;
  if (state.SHEETS.matches && hidden > 0) scrollBy(0, hidden);
}

/** Scrolls the text, and never the page, until the token is seen. @param {HTMLElement} scroller @param {HTMLElement} element */
export function reveal(scroller, element) {
  const box = scroller.getBoundingClientRect();
  const { top, bottom } = element.getBoundingClientRect();
  if (top < box.top) scroller.scrollTop -= box.top - top + 24;
  else if (bottom > box.bottom) scroller.scrollTop += bottom - box.bottom + 24;
}

/** Inspects a token with the keyboard: a pinned one moves, and the layers lens always steps. @param {number} token */
export function inspect(token) {
  if (state.lens.value === 'layers') stepTo(token);
  else if (state.pinned.value === null) hover(token);
  else select({ pinned: token });
}

/** Chooses nothing. */
export function clearChoice() {
  pin(null);
  hover(null);
  select({ span: null });
}

/** @param {KeyboardEvent} event @param {TokenElements} elements @returns {boolean} whether the key meant something */
function onKey(event, elements) {
  const current = state.pinned.value ?? state.hovered.value ?? (state.lens.value === 'layers' ? state.current.value : null);
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() === 'z') void (event.shiftKey ? redo() : undo());
    else if (event.key.toLowerCase() === 'y') void redo();
    else return false;
    return true;
  }
  const last = elements.length - 1;
  const from = current ?? -1;
  const [above, below] = [line(elements, from, -1), line(elements, from, 1)];
  const word = state.wordAt(current); // the keys move by whole words where words are shown
  const to = { ArrowLeft: (state.wordAt((word?.first ?? from) - 1)?.first ?? (word?.first ?? from) - 1), ArrowRight: word?.stop ?? from + 1, Home: 0, End: last, ArrowUp: above, ArrowDown: below }[event.key];
  if (to !== undefined) {
    const target = Math.max(0, Math.min(last, to));
    if (event.shiftKey) extendSpan(from < 0 ? target : from, target);
    inspect(target);
  } else if ((event.key === 'Enter' || event.key === ' ') && current !== null) {
    pin(current);
    hover(state.pinned.value === null ? current : null);
  } else if (event.key === 'Escape') clearChoice();
  else return false;
  return true;
}

/** Grows or shrinks the span at the end that moves. @param {number} from @param {number} to */
function extendSpan(from, to) {
  const old = state.span.value;
  const anchor = old ? (old.from === from ? old.to - 1 : old.from) : from;
  select({ span: { from: Math.min(anchor, to), to: Math.max(anchor, to) + 1 } });
}

/** The token in the line above or below. @param {TokenElements} elements @param {number} from @param {1 | -1} step */
function line(elements, from, step) {
  const here = elements.at(from)?.getBoundingClientRect();
  if (!here) return step > 0 ? 0 : elements.length - 1;
  let best = from;
  for (let i = from + step; elements.at(i); i += step) {
    const box = /** @type {HTMLElement} */ (elements.at(i)).getBoundingClientRect();
    const away = (box.top - here.top) * step;
    if (away < here.height / 2) continue;
    if (away > 2.5 * here.height) break;
    best = i;
    if (step > 0 ? box.right >= here.left : box.left <= here.left) break;
  }
  return best;
}
