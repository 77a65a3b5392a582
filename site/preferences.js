// Keeps what the person chose about the page between visits, in this browser only; main thread.

import * as actions from './actions.js';
import * as state from './state.js';
import { effect } from './vendor/signals-core.js';

const KEY = `tokenlight preferences ${new URL('.', import.meta.url).pathname}`; // sites of one owner share an origin

/** Takes the settings of the last visit where there are any, then keeps every change. */
export function keepPreferences() {
  for (const [name, value] of Object.entries(read())) {
    if (typeof value === typeof (/** @type {any} */ (state.settings.value)[name])) actions.set(/** @type {any} */ (name), /** @type {any} */ (value));
  }
  effect(() => {
    const { theme } = state.settings.value;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
  effect(() => {
    const text = JSON.stringify(state.settings.value);
    try {
      localStorage.setItem(KEY, text);
    } catch {
      // a private window may refuse: the settings then last as long as the page
    }
  });
}

/** @returns {Record<string, unknown>} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {};
  } catch {
    return {};
  }
}
