// Where a text comes from: examples and files, above the text; main thread.

import { html } from '../vendor/lit-html/lit-html.js';
import { examples } from './examples.js';
import { openFile } from './files.js';
import { openExample } from './precomputed.js';
import { saveView } from './save.js';

export function sourcesView() {
  const choose = (/** @type {Event} */ event) => {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const example = examples.value.find(({ id }) => id === select.value);
    if (example) void openExample(example);
    select.value = '';
  };
  const onFile = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    void openFile(input.files?.[0]);
    input.value = '';
  };
  return html`
    <select id="example" class="quiet" aria-label="Examples" @change=${choose}>
      <option value="">Examples</option>
      ${examples.value.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}
    </select>
    <button type="button" class="quiet" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).parentElement?.querySelector('input[type="file"]')).click()}>Open…</button>
    ${saveView()}
    <input type="file" accept="text/*,.md,.json,.npz,.py,.js,.ts,.c,.cpp,.java,.rs,.go,.tex,.csv" hidden @change=${onFile}>
  `;
}
