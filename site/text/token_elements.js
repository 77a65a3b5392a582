// One element for each token, kept while the text begins the same; they take exactly the room of the plain text; main thread.

import { continuesCharacter, hexBytes, isRightToLeft, shownTexts, visible } from '../shared/token_text.js';

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
  /** @type {unknown[]} what `update` was given last */
  #given = [];
  /** @type {{ light: string[], dark: string[] }} the background each element has */
  #painted = { light: [], dark: [] };
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
   * @param {{ length?: number, marks?: boolean }} [how] how many of the tokens are shown; whether their spaces and tabs can
   *   be marked: elements for the marks are most of what a long text would take
   */
  update(tokens, given, { length = tokens.ids.length, marks = false } = {}) {
    const asked = [tokens, given, length, marks];
    if (asked.every((each, i) => each === this.#given[i])) return;
    this.#given = asked;
    const { texts, continues } = shown(tokens);
    const kind = (/** @type {number} */ i) => `${continues[i] ? 'part ' : ''}${i >= given ? 'new ' : ''}${tokens.control[i] ? 'control ' : ''}${marks ? 'marked ' : ''}`;
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
      const grouped = continues[i + 1] && !continues[i];
      const text = grouped ? texts[i].replace(/^ +/, '') : texts[i];
      const element = this.#element(i, text, texts, i >= given, marks);
      if (grouped) {
        group = groupOf(text);
        added.append(withSpace(texts[i].slice(0, -text.length), group, marks));
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
    this.#keys = this.#given = [];
  }

  /** @param {Colours | null} colours of the first tokens; the others have none yet */
  paint(colours) {
    const { light, dark } = colours ?? NONE;
    const painted = light.background.length;
    for (let i = 0; i < this.#elements.length; i++) {
      const has = i < painted && light.background[i] !== 'transparent';
      const [inLight, inDark] = has ? [light.background[i], dark.background[i]] : ['', ''];
      if (inLight === this.#painted.light[i] && inDark === this.#painted.dark[i]) continue;
      this.#painted.light[i] = inLight;
      this.#painted.dark[i] = inDark;
      const { style } = this.#elements[i];
      style.backgroundColor = has ? `light-dark(${inLight}, ${inDark})` : '';
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
    /** @type {ChildNode | null} */
    let node = first;
    while (node && node.parentElement !== this.#root) node = node.parentElement;
    while (node && node !== this.#end) {
      const next = node.nextSibling;
      node.remove();
      node = next;
    }
    this.#elements.length = from;
    for (const list of [this.#painted.light, this.#painted.dark, this.#labels]) list.length = Math.min(list.length, from);
  }

  /** @param {number} index @param {string} text of its own @param {string[]} texts of all tokens @param {boolean} generated @param {boolean} marks */
  #element(index, text, texts, generated, marks) {
    const element = document.createElement('span');
    element.className = generated ? 'token generated' : 'token';
    element.id = `${this.#prefix}-${index}`;
    element.dataset.index = String(index);
    element.setAttribute('role', 'option');
    element.setAttribute('aria-selected', 'false');
    const pieces = text.split(marks ? /(\r\n|[\r\n\t]| +)/ : /(\r\n|[\r\n])/); // every second one is whitespace
    if (pieces.length === 1) {
      element.append(text);
      return element;
    }
    const next = texts[index + 1] ?? '';
    let line = /[\r\n]/.test(text) ? lineBefore(texts, index) : '';
    if (/^[\r\n]+$/.test(text) && !(text === '\r' && next.startsWith('\n'))) {
      element.classList.add('line-end');
      element.style.direction = directionOf(line);
    }
    pieces.forEach((piece, i) => {
      if (i % 2) element.append(...whitespace(piece, pieces.slice(i + 1).join('') || next, directionOf(line)));
      else if (piece) element.append(piece);
      line = /[\r\n]/.test(piece) ? '' : line + piece;
    });
    return element;
  }
}

/** The text of the line that a token follows. @param {string[]} texts @param {number} index */
function lineBefore(texts, index) {
  let line = '';
  for (let i = index - 1; i >= 0 && !/[\r\n]/.test(line); i--) line = texts[i] + line;
  return line.split(/[\r\n]/).pop() ?? '';
}

/** Which way a line runs; empty if it has no letter, and so runs as the text does. @param {string} line */
const directionOf = (line) => (isRightToLeft(line) ? 'rtl' : /\p{L}/u.test(line) ? 'ltr' : '');

/** @param {string} text of the character that several tokens make up */
function groupOf(text) {
  const group = document.createElement('span');
  group.className = 'group';
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', `${visible(text)}, one character in several tokens`);
  return group;
}

/**
 * A group with the spaces in front of it, which are no part of the character: they may stand elsewhere, on the line before
 * or on the other side of a word that runs from right to left.
 * @param {string} spaces @param {HTMLElement} group @param {boolean} marks
 */
function withSpace(spaces, group, marks) {
  if (!spaces) return group;
  const outer = document.createElement('span');
  outer.append(...(marks ? whitespace(spaces, '', '') : [spaces]), group);
  return outer;
}

/**
 * Whitespace with places for its marks. Line ends are as in a textarea: CR LF and CR are one, too.
 * @param {string} piece a line end, a tab or spaces @param {string} follows @param {string} direction of the line that it ends
 * @returns {(string | Node)[]}
 */
function whitespace(piece, follows, direction) {
  const mark = document.createElement('span');
  if (piece === '\t' || piece[0] === ' ') {
    mark.className = piece === '\t' ? 'tab' : 'space';
    if (piece.length > 1) mark.style.setProperty('--count', String(piece.length));
    mark.append(piece);
    return [mark];
  }
  mark.className = 'end';
  mark.style.direction = direction;
  if (piece === '\n') return [mark, '\n'];
  const unseen = document.createElement('span');
  unseen.className = 'return';
  unseen.append('\r');
  if (piece === '\r\n') return [unseen, mark, '\n'];
  return follows.startsWith('\n') ? [unseen] : [unseen, mark, document.createElement('br')];
}
