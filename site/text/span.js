// Places in the one text: characters of the box, tokens, and what is selected in the coloured layer; main thread.

import { asInBox } from '../shared/token_text.js';
import { shown } from './token_elements.js';

/** @import {TokenizedText} from '../shared/protocol.js' */

/** A text as it looks: a tokenizer may compose characters, and replaces half a surrogate pair by U+FFFD. @param {string} text */
const asSeen = (text) => asInBox(text).toWellFormed().normalize('NFC');

/**
 * How many of the tokens a text still begins with. The token before the first change is not one of them: what is typed
 * after it may belong to it. A text that continues beyond the context keeps them all.
 * @param {TokenizedText} tokens @param {string} text
 */
export function keptTokens(tokens, text) {
  const all = tokens.ids.length;
  if (text === tokens.text || asSeen(text) === asSeen(tokens.text)) return all;
  const { starts, continues } = shown(tokens);
  let same = 0;
  while (same < text.length && text[same] === tokens.text[same]) same++;
  if (same === tokens.text.length && tokens.total > all) return all;
  let kept = all;
  while (kept > 0 && (starts[kept] >= same || continues[kept])) kept--;
  return kept;
}

/** Where each token begins in the box: CR LF is one character there. @param {TokenizedText} tokens @returns {number[]} [token + 1] */
export function placesInBox(tokens) {
  const { starts } = shown(tokens);
  if (!tokens.text.includes('\r\n')) return starts;
  let at = 0;
  let gone = 0;
  return starts.map((start) => {
    for (; at < start; at++) if (tokens.text[at] === '\r' && tokens.text[at + 1] === '\n') gone++;
    return start - gone;
  });
}

/** The token at a place of the box; the last one at the end. @param {TokenizedText} tokens @param {number} place @returns {number | null} */
export function tokenAt(tokens, place) {
  const starts = placesInBox(tokens);
  const all = tokens.ids.length;
  for (let i = 0; i < all; i++) if (place < starts[i + 1]) return i;
  return all && place === starts[all] ? all - 1 : null;
}

/**
 * The whole tokens that hold the characters from … to of the box.
 * @param {TokenizedText} tokens @param {number} from @param {number} to exclusive
 * @returns {{ from: number, to: number } | null}
 */
export function spanOf(tokens, from, to) {
  const { continues } = shown(tokens);
  const starts = placesInBox(tokens);
  let first = starts.findIndex((_, i) => starts[i + 1] > from);
  if (first < 0 || from >= to) return null;
  let last = first;
  while (last + 1 < tokens.ids.length && (starts[last + 1] < to || continues[last + 1])) last++;
  while (continues[first]) first--;
  return { from: first, to: last + 1 };
}

/**
 * What is selected in the coloured layer, as characters of the box; null if nothing is.
 * @param {HTMLElement} root @returns {{ from: number, to: number } | null}
 */
export function selectedIn(root) {
  const selection = getSelection();
  if (!selection?.rangeCount) return null;
  const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
  if (!root.contains(startContainer) || !root.contains(endContainer)) return null;
  const before = document.createRange();
  const length = (/** @type {Node} */ node, /** @type {number} */ offset) => {
    before.setStart(root, 0);
    before.setEnd(node, offset);
    return asInBox(before.toString()).length;
  };
  return { from: length(startContainer, startOffset), to: length(endContainer, endOffset) };
}
