// Caret and selection of the box: set by pressing and selecting tokens, followed by the token that is inspected; main thread.

import { hover, pin, select } from '../page/choices.js';
import * as state from '../page/state.js';
import { selectedIn, spanOf, tokenAt } from './span.js';
import { clearChoice, indexOf, inspect } from './tokens.js';

const MOVES = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);

/**
 * @param {HTMLElement} root of the tokens
 * @param {HTMLTextAreaElement} box
 * @param {import('./token_elements.js').TokenElements} elements
 */
export function followCaret(root, box, elements) {
  let moved = false; // whether the caret was last moved by a key or the pointer, not by typing
  box.addEventListener('keydown', (event) => {
    moved = MOVES.has(event.key);
    if (event.key === 'Escape') clearChoice();
  });
  box.addEventListener('pointerdown', () => (moved = true)); // on touch screens, while the text is edited
  box.addEventListener('input', () => (moved = false));
  document.addEventListener('selectionchange', () => {
    if (document.activeElement === box) follow(box, elements, moved);
    else selectSpan(selectedIn(root), elements);
  });
  pressTokens(root, box);
}

/** @param {HTMLTextAreaElement} box @param {import('./token_elements.js').TokenElements} elements @param {boolean} moved */
function follow({ selectionStart: from, selectionEnd: to }, elements, moved) {
  const run = state.run.value;
  if (!run || !moved) return;
  if (from < to) return selectSpan({ from, to }, elements);
  if (state.span.value) select({ span: null });
  const token = tokenAt(run.tokens, from);
  if (token !== null && token < elements.length) inspect(token);
  else hover(null);
}

/** @param {{ from: number, to: number } | null} selected @param {import('./token_elements.js').TokenElements} elements */
function selectSpan(selected, elements) {
  const run = state.run.value;
  const span = run && selected && spanOf(run.tokens, selected.from, selected.to);
  if (span && span.from < elements.length) select({ span: { from: span.from, to: Math.min(span.to, elements.length) } });
}

/**
 * Pressing a token pins it and puts the caret there; a selection is handed on to the box. A finger only pins: focusing the box
 * would open the keyboard. Other buttons reach the box itself, for its menu and for pasting.
 * @param {HTMLElement} root @param {HTMLTextAreaElement} box
 */
function pressTokens(root, box) {
  const surface = /** @type {HTMLElement} */ (root.parentElement);
  let finger = false;
  const takeSelection = () => {
    const selected = selectedIn(root);
    if (!selected) return;
    box.focus({ preventScroll: true });
    box.setSelectionRange(selected.from, selected.to);
  };
  root.addEventListener('pointerdown', ({ pointerType }) => (finger = pointerType === 'touch'));
  root.addEventListener('mousedown', (event) => {
    if (event.button !== 0) {
      event.preventDefault();
      box.focus({ preventScroll: true });
      surface.classList.add('lent');
      addEventListener('pointermove', () => surface.classList.remove('lent'), { once: true });
    } else if (event.shiftKey && document.activeElement === box) {
      event.preventDefault();
      extend(root, box, event);
    } else if (!finger) addEventListener('mouseup', (up) => root.contains(/** @type {Node} */ (up.target)) || setTimeout(takeSelection), { once: true });
  });
  root.addEventListener('click', (event) => {
    const index = indexOf(event);
    const byHand = event.detail > 0; // not by a program
    const selected = byHand ? selectedIn(root) : null;
    if (index !== null && !(selected && selected.from < selected.to) && event.detail < 2) {
      if (state.span.value) select({ span: null });
      pin(index);
    }
    if (byHand && !event.shiftKey && (!finger || index === null)) takeSelection();
  });
}

/** Moves the end of the box's selection to the pointer. @param {HTMLElement} root @param {HTMLTextAreaElement} box @param {MouseEvent} event */
function extend(root, box, { clientX, clientY }) {
  const anchor = box.selectionDirection === 'backward' ? box.selectionEnd : box.selectionStart;
  const found = document.caretPositionFromPoint?.(clientX, clientY);
  const range = found ? null : document.caretRangeFromPoint?.(clientX, clientY);
  const node = found?.offsetNode ?? range?.startContainer;
  if (!node || !root.contains(node)) return;
  getSelection()?.collapse(node, found?.offset ?? range?.startOffset);
  const place = selectedIn(root)?.from ?? anchor;
  box.focus({ preventScroll: true });
  box.setSelectionRange(Math.min(anchor, place), Math.max(anchor, place), place < anchor ? 'backward' : 'forward');
}
