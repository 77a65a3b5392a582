// One element a token, kept while the text begins the same; parts of one character lie in a group; main thread.

import { continuesCharacter, hexBytes, shownTexts, visible } from '../shared/token_text.js';

/** @import {Colours, TokenizedText} from '../shared/protocol.js' */

const NONE = { light: { background: [], text: [] }, dark: { background: [], text: [] } };

export class TokenElements {
  #root;
  #prefix;
  /** @type {HTMLElement[]} */
  #elements = [];
  /** @type {string[]} what each element was made of */
  #keys = [];
  /** @type {string[]} the colours each element has */
  #painted = [];

  /** @param {HTMLElement} root @param {string} prefix of the elements' ids */
  constructor(root, prefix) {
    this.#root = root;
    this.#prefix = prefix;
  }

  get length() {
    return this.#elements.length;
  }

  /** @param {number | null} index @returns {HTMLElement | undefined} */
  at(index) {
    return index === null ? undefined : this.#elements[index];
  }

  /**
   * Brings the elements to these tokens. Those that stay keep their colours until `paint`.
   * @param {TokenizedText} tokens
   * @param {number} given tokens from here on were generated
   */
  update(tokens, given) {
    const texts = shownTexts(tokens);
    const continues = continuesCharacter(tokens);
    const keys = texts.map((text, i) => `${continues[i] ? 'part ' : ''}${i >= given ? 'new ' : ''}${tokens.control[i] ? 'control ' : ''}${text || hexBytes(tokens, i)}`);
    let from = 0;
    while (from < keys.length && keys[from] === this.#keys[from]) from++;
    if (from === keys.length && from === this.#keys.length) return;
    while (from > 0 && (continues[from] || this.#keys[from]?.startsWith('part '))) from--; // whole characters only
    this.#cut(from);
    /** @type {HTMLElement | null} */
    let group = null;
    const added = document.createDocumentFragment();
    for (let i = from; i < keys.length; i++) {
      const element = this.#element(i, texts[i], i >= given);
      if (continues[i + 1] && !continues[i]) {
        group = document.createElement('span');
        group.className = 'group';
        group.setAttribute('role', 'group');
        group.setAttribute('aria-label', `${visible(texts[i])}, one character in several tokens`);
        added.append(group);
      }
      if (continues[i] || continues[i + 1]) element.dataset.hex = hexBytes(tokens, i);
      if (continues[i]) element.classList.add('part');
      if (tokens.control[i]) element.classList.add('control');
      if (!texts[i]) element.setAttribute('aria-label', `bytes ${hexBytes(tokens, i)}`);
      else if (!texts[i].trim()) element.setAttribute('aria-label', visible(texts[i]));
      (group ?? added).append(element);
      if (!continues[i + 1]) group = null;
      this.#elements.push(element);
    }
    this.#root.append(added);
    this.#keys = keys;
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

  /** @param {number} from */
  #cut(from) {
    const first = this.#elements[from];
    if (!first) return;
    let node = /** @type {ChildNode | null} */ (first.parentElement === this.#root ? first : first.parentElement);
    while (node) {
      const next = node.nextSibling;
      node.remove();
      node = next;
    }
    this.#elements.length = from;
    this.#painted.length = Math.min(this.#painted.length, from);
  }

  /** @param {number} index @param {string} text @param {boolean} generated */
  #element(index, text, generated) {
    const element = document.createElement('span');
    element.className = generated ? 'token generated' : 'token';
    element.id = `${this.#prefix}-${index}`;
    element.dataset.index = String(index);
    element.setAttribute('role', 'option');
    element.setAttribute('aria-selected', 'false');
    for (const piece of text.split(/([\n\t]| +)/)) {
      if (!piece) continue;
      if (piece.trim()) {
        element.append(piece);
        continue;
      }
      const mark = document.createElement('span');
      mark.className = piece === '\n' ? 'end' : piece === '\t' ? 'tab' : 'space';
      if (piece !== '\n') mark.append(piece);
      element.append(mark);
      if (piece === '\n') element.append(piece);
    }
    return element;
  }
}
