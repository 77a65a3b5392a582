// Draws a view into its place and again whenever the state it read changes; main thread.

import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { render } from '../vendor/lit-html/lit-html.js';

export const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** What a form control holds. @param {Event} event */
export const valueOf = (event) => /** @type {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} */ (event.target).value;

/** Whether a checkbox is checked. @param {Event} event */
export const isChecked = (event) => /** @type {HTMLInputElement} */ (event.target).checked;

/**
 * A new element.
 * @param {string} tag @param {string} className @param {string} [id]
 * @returns {HTMLElement}
 */
export function element(tag, className, id) {
  const node = document.createElement(tag);
  node.className = className;
  if (id) node.id = id;
  return node;
}

/**
 * @param {HTMLElement | string} place an element or its id
 * @param {() => unknown} view a lit-html template or nothing
 * @param {string} [lens] where the view stands; it is drawn only while that lens is open
 */
export function mount(place, view, lens) {
  const root = typeof place === 'string' ? byId(place) : place;
  watch(root.id || root.className, () => {
    if (!lens || state.lens.value === lens) render(view(), root);
  });
}
