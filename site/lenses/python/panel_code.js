// “Show the Python for this number”: a panel's code, which is a file in site/lab/panels, opened in the Python lens; main thread.

import { setLens } from '../../page/choices.js';
import { warm } from '../../page/lab.js';
import { tell } from '../../page/notices.js';
import { signal } from '../../vendor/signals-core.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { filled } from './filled.js';

/** The code that a panel has handed to the Python lens, which takes it. */
export const handed = signal(/** @type {{ title: string, code: string } | null} */ (null));

/** Opens a panel's code with what was chosen there. @param {string} id @param {string} title @param {object | null} values */
async function show(id, title, values) {
  const response = await fetch(new URL(`../../lab/panels/${id}.py`, import.meta.url));
  if (!response.ok) throw new Error(`The code could not be loaded (HTTP ${response.status}).`);
  handed.value = { title, code: filled(await response.text(), values ?? {}) };
  setLens('python');
  warm();
  document.getElementById('tab-python')?.focus();
  document.getElementById('panel-python')?.scrollIntoView({ block: 'nearest' });
}

/**
 * The button for it. `short`: beside others of its kind.
 * @param {string} id of the panel @param {string} title @param {() => object | null} values of the code's settings, by name @param {boolean} [short]
 */
export function codeButton(id, title, values, short = false) {
  const button = html`<button type="button" class="small show-python" aria-label="${title}: show the Python for this number"
    title="Show the Python for this number" @click=${() => show(id, title, values()).catch(tell)}>${short ? 'Python' : 'Show the Python for this number'}</button>`;
  return short ? html`<span class="files">${button}</span>` : button;
}
