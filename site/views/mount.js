// Draws a view into its place and again whenever the state it read changes; main thread.

import * as state from '../state.js';
import { effect } from '../vendor/signals-core.js';
import { render } from '../vendor/lit-html/lit-html.js';

/**
 * @param {string} id of the element
 * @param {() => unknown} view a lit-html template or nothing
 * @param {typeof state.VIEWS[number]} [tab] where the view stands; it is drawn only while the tab is open
 */
export function mount(id, view, tab) {
  const root = /** @type {HTMLElement} */ (document.getElementById(id));
  effect(() => {
    if (!tab || state.view.value === tab) render(view(), root);
  });
}
