// Takes the text a person selected as a span of whole tokens; main thread.

import { select } from '../page/edits.js';

/** @param {HTMLElement} root the element that holds the tokens */
export function selectSpan(root) {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.commonAncestorContainer)) return;
  const from = tokenAt(range.startContainer, range.startOffset, root);
  const to = tokenAt(range.endContainer, range.endOffset, root);
  if (from === null || to === null) return;
  const endsBefore = range.endOffset === 0 && to > from; // the selection stops where this token begins
  select({ span: { from, to: endsBefore ? to : to + 1 } });
}

/** @param {Node} node @param {number} offset @param {HTMLElement} root @returns {number | null} index of the token at a place */
function tokenAt(node, offset, root) {
  const inside = node === root || !(node instanceof Text) ? (node.childNodes[offset] ?? node.lastChild ?? node) : node;
  const element = (inside instanceof HTMLElement ? inside : inside.parentElement)?.closest('[data-index]') ?? /** @type {HTMLElement} */ (inside).querySelector?.('[data-index]');
  return element ? Number(/** @type {HTMLElement} */ (element).dataset.index) : null;
}
