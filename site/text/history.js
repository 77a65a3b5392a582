// Undo and redo in the text box: the browser's own for what was typed, the page's for everything else; main thread.

import { redo, undo } from '../page/edits.js';

/**
 * Chooses between the two. The browser's undo history survives when the page replaces the text, and would mix the old text into
 * the new one.
 * @param {HTMLTextAreaElement} box
 * @param {string} put the newest text that was put into the box
 * @returns {(text: string) => void} puts a text into the box
 */
export function followHistory(box, put) {
  let undone = 0; // steps of typing that the browser has undone since, and can redo
  const isTyped = (/** @type {boolean} */ back) => (back ? box.value !== put : undone > 0);
  const go = (/** @type {Event} */ event, /** @type {boolean} */ back) => {
    if (isTyped(back)) return;
    event.preventDefault();
    void (back ? undo() : redo());
  };
  box.addEventListener('keydown', (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== 'z' && key !== 'y')) return;
    go(event, key === 'z' && !event.shiftKey);
  });
  box.addEventListener('beforeinput', (event) => {
    if (event.inputType === 'historyUndo' || event.inputType === 'historyRedo') go(event, event.inputType === 'historyUndo'); // from a menu
  });
  box.addEventListener('input', (event) => {
    const { inputType } = /** @type {InputEvent} */ (event);
    undone = inputType === 'historyUndo' ? undone + 1 : inputType === 'historyRedo' ? undone - 1 : 0;
  });
  return (text) => {
    box.value = put = text;
    undone = 0;
  };
}
