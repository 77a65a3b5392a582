// The user's code: kept in this browser, and taken from a link, which never runs by itself; main thread.

import * as state from '../../page/state.js';

const KEY = `tokenlight code ${new URL('../..', import.meta.url).pathname}`; // sites of one owner share an origin
const LONGEST = 20_000; // characters of code in a link

/** The code of the last visit; null if there is none. */
export function keptCode() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} code */
export function keepCode(code) {
  if (state.removed.value) return;
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // a private window may refuse: the code then lasts until the page is closed
  }
}

/** The code in the address; null if there is none. */
export const linkedCode = () => new URLSearchParams(location.hash.slice(1)).get('code');

/** A link to this lens with the code, but without the text. @param {string} code */
export function linkTo(code) {
  if (code.length > LONGEST) throw new Error(`The code is too long for a link (${code.length} characters; at most ${LONGEST}).`);
  const hash = new URLSearchParams({ ...(state.model.value ? { model: state.model.value.manifest.id } : {}), lens: 'python', code });
  return new URL(`#${hash}`, location.href).href;
}
