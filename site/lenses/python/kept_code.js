// The user's code: kept in this browser, and taken from a link, which never runs by itself; main thread.

import { count } from '../../frame/format.js';
import { noteKept } from '../../page/draft.js';
import { CODE, CODE_BEFORE } from '../../page/keys.js';
import * as state from '../../page/state.js';

const LONGEST = 20_000; // characters of code in a link

/** @param {string} key */
function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** The code of the last visit; null if there is none. */
export const keptCode = () => kept(CODE);

/** The user's code before a panel's, an example's or a link's was edited; null if there is none. */
export const codeBefore = () => kept(CODE_BEFORE);

/** @param {string} code @param {string} [key] */
export function keepCode(code, key = CODE) {
  if (state.removed.value) return;
  try {
    localStorage.setItem(key, code);
    if (key === CODE) noteKept('code', true);
  } catch {
    if (key === CODE) noteKept('code', false); // a private window, or too little room: it lasts until the page is closed
  }
}

/** Keeps the user's code beside what takes its place. */
export function setAside() {
  const own = keptCode();
  if (own?.trim()) keepCode(own, CODE_BEFORE);
}

/** The code in the address; null if there is none. */
export const linkedCode = () => new URLSearchParams(location.hash.slice(1)).get('code');

/** A link to this lens with the code, but without the text. @param {string} code */
export function linkTo(code) {
  if (code.length > LONGEST) throw new Error(`The code is too long for a link (${count(code.length)} characters; at most ${count(LONGEST)}).`);
  const hash = new URLSearchParams({ ...(state.model.value ? { model: state.model.value.manifest.id } : {}), lens: 'python', code });
  return new URL(`#${hash}`, location.href).href;
}
