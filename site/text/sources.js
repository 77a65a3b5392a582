// Where a text comes from: examples, lessons and files, above the text; main thread.

import { chooseLesson, lessons } from '../lessons/list.js';
import { html } from '../vendor/lit-html/lit-html.js';
import { examples } from './examples.js';
import { openFile } from './files.js';
import { openExample } from './precomputed.js';

export function sourcesView() {
  const choose = (/** @type {Event} */ event) => {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const example = examples.value.find(({ id }) => id === select.value);
    if (example) void openExample(example);
    select.value = '';
  };
  const chooseLessonOf = (/** @type {Event} */ event) => {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    chooseLesson(select.value);
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
    <select id="lessons" class="quiet" aria-label="Lessons" @change=${chooseLessonOf}>
      <option value="">Lessons</option>
      ${lessons.value.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}
    </select>
    <button type="button" class="quiet" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).nextElementSibling).click()}>Open…</button>
    <input type="file" accept="text/*,.md,.json,.py,.js,.ts,.c,.cpp,.java,.rs,.go,.tex,.csv" hidden @change=${onFile}>
  `;
}
