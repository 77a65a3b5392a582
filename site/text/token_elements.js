// One element for each token, kept while the text begins the same; they take exactly the room of the plain text; main thread.

import { continuesCharacter, hexBytes, shownTexts, visible } from '../shared/token_text.js';

/** @import {Colours, TokenizedText} from '../shared/protocol.js' */

const NONE = { light: { background: [], text: [] }, dark: { background: [], text: [] } };

/**
 * What is shown of each token; `starts` [token + 1]: where its text begins, in UTF-16 units of the whole text, and the end.
 * @typedef {{ texts: string[], continues: boolean[], starts: number[] }} Shown
 */
/** @type {WeakMap<TokenizedText, Shown>} */
const known = new WeakMap();

/** @param {TokenizedText} tokens @returns {Shown} */
export function shown(tokens) {
  const found = known.get(tokens);
  if (found) return found;
  const texts = shownTexts(tokens);
  const starts = [0];
  for (const text of texts) starts.push(starts[starts.length - 1] + text.length);
  const value = { texts, continues: continuesCharacter(tokens), starts };
  known.set(tokens, value);
  return value;
}

export class TokenElements {
  #root;
  #prefix;
  #end;
  /** @type {HTMLElement[]} */
  #elements = [];
  /** @type {string[]} what each element was made of */
  #keys = [];
  /** @type {string[]} the colours each element has */
  #painted = [];
  /** @type {string[]} what each element is called */
  #labels = [];

  /** @param {HTMLElement} root @param {string} prefix of the elements' ids @param {Node | null} [end] what stays after the tokens */
  constructor(root, prefix, end = null) {
    this.#root = root;
    this.#prefix = prefix;
    this.#end = end;
  }

  get length() {
    return this.#elements.length;
  }

  /** @param {number | null} index @returns {HTMLElement | undefined} */
  at(index) {
    return index === null ? undefined : this.#elements[index];
  }

  /**
   * Updates the elements to these tokens. Those that stay keep their colours until `paint`.
   * @param {TokenizedText} tokens
   * @param {number} given tokens from here on were generated
   * @param {number} [length] how many of the tokens are shown
   */
  update(tokens, given, length = tokens.ids.length) {
    const { texts, continues } = shown(tokens);
    const kind = (/** @type {number} */ i) => `${continues[i] ? 'part ' : ''}${i >= given ? 'new ' : ''}${tokens.control[i] ? 'control ' : ''}`;
    const lineEnd = (/** @type {number} */ i) => (texts[i].endsWith('\r') ? texts[i + 1]?.[0] ?? '' : ''); // a carriage return looks different before a line feed
    const keys = Array.from({ length }, (_, i) => kind(i) + (texts[i] || hexBytes(tokens, i)) + lineEnd(i));
    let from = 0;
    while (from < length && keys[from] === this.#keys[from]) from++;
    if (from === length && from === this.#keys.length) return;
    while (from > 0 && (continues[from] || this.#keys[from]?.startsWith('part '))) from--; // whole characters only
    this.#cut(from);
    /** @type {HTMLElement | null} */
    let group = null;
    const added = document.createDocumentFragment();
    for (let i = from; i < length; i++) {
      const element = this.#element(i, texts[i], texts[i + 1] ?? '', i >= given);
      if (continues[i + 1] && !continues[i]) {
        group = groupOf(texts[i]);
        added.append(group);
      }
      if (group) {
        element.dataset.hex = hexBytes(tokens, i);
        element.style.setProperty('--part', String(group.childElementCount));
      }
      if (continues[i]) element.classList.add('part');
      if (tokens.control[i]) element.classList.add('control');
      if (!texts[i]) element.setAttribute('aria-label', `bytes ${hexBytes(tokens, i)}`);
      else if (tokens.control[i]) element.setAttribute('aria-label', `${visible(texts[i])}, control token`);
      else if (!texts[i].trim()) element.setAttribute('aria-label', visible(texts[i]));
      (group ?? added).append(element);
      if (!continues[i + 1]) {
        group?.style.setProperty('--parts', String(group.childElementCount));
        group = null;
      }
      this.#elements.push(element);
    }
    this.#root.insertBefore(added, this.#end);
    this.#keys = keys;
  }

  /** Removes all tokens. */
  clear() {
    this.#cut(0);
    this.#keys = [];
  }

  /** @param {Colours | null} colours of the first tokens; the others have none yet */
  paint(colours) {
    const { light, dark } = colours ?? NONE;
    const painted = light.background.length;
    for (let i = 0; i < this.#elements.length; i++) {
      const has = i < painted && light.background[i] !== 'transparent';
      const key = has ? `${light.background[i]} ${dark.background[i]}` : '';
      if (key === this.#painted[i]) continue;
      this.#painted[i] = key;
      const { style } = this.#elements[i];
      style.backgroundColor = has ? `light-dark(${light.background[i]}, ${dark.background[i]})` : '';
      style.color = has ? `light-dark(${light.text[i]}, ${dark.text[i]})` : '';
    }
  }

  /** Names every token for those who do not see the colours. @param {(index: number) => string} name */
  label(name) {
    for (let i = 0; i < this.#elements.length; i++) {
      const label = name(i);
      if (label === this.#labels[i]) continue;
      this.#labels[i] = label;
      this.#elements[i].setAttribute('aria-label', label);
    }
  }

  /** @param {number} from */
  #cut(from) {
    const first = this.#elements[from];
    if (!first) return;
    let node = /** @type {ChildNode | null} */ (first.parentElement === this.#root ? first : first.parentElement);
    while (node && node !== this.#end) {
      const next = node.nextSibling;
      node.remove();
      node = next;
    }
    this.#elements.length = from;
    this.#painted.length = Math.min(this.#painted.length, from);
    this.#labels.length = Math.min(this.#labels.length, from);
  }

  /** @param {number} index @param {string} text @param {string} next the text after it @param {boolean} generated */
  #element(index, text, next, generated) {
    const element = document.createElement('span');
    element.className = generated ? 'token generated' : 'token';
    element.id = `${this.#prefix}-${index}`;
    element.dataset.index = String(index);
    element.setAttribute('role', 'option');
    element.setAttribute('aria-selected', 'false');
    if (/^(\n|\r(?!\n|$)|\r\n)/.test(text) || (text === '\r' && !next.startsWith('\n'))) element.classList.add('line-end');
    const pieces = text.split(/(\r\n|[\r\n\t]| +)/);
    pieces.forEach((piece, i) => {
      const follows = pieces.slice(i + 1).join('') || next;
      if (piece) element.append(...whitespace(piece, follows));
    });
    return element;
  }
}

/** @param {string} text of the character that several tokens make up */
function groupOf(text) {
  const group = document.createElement('span');
  group.className = 'group';
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', `${visible(text)}, one character in several tokens`);
  return group;
}

/**
 * A piece of text with places for the marks of whitespace. Line ends are as in a textarea: CR LF and CR are one, too.
 * @param {string} piece @param {string} follows
 * @returns {(string | Node)[]}
 */
function whitespace(piece, follows) {
  if (!/^[\r\n\t ]/.test(piece)) return [piece];
  const mark = document.createElement('span');
  if (piece === '\t' || piece[0] === ' ') {
    mark.className = piece === '\t' ? 'tab' : 'space';
    if (piece.length > 1) mark.style.setProperty('--count', String(piece.length));
    mark.append(piece);
    return [mark];
  }
  mark.className = 'end';
  if (piece === '\n') return [mark, '\n'];
  const unseen = document.createElement('span');
  unseen.className = 'return';
  unseen.append('\r');
  if (piece === '\r\n') return [unseen, mark, '\n'];
  return follows.startsWith('\n') ? [unseen] : [unseen, mark, document.createElement('br')];
}
