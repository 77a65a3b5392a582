// Where a text comes from: examples, lessons and files, above the text; main thread.

import { chooseLesson, lessons } from '../lessons/list.js';
import { html } from '../vendor/lit-html/lit-html.js';
import { examples } from './examples.js';
import { openFile } from './files.js';
import { openExample } from './precomputed.js';
import { saveView } from './save.js';

export function sourcesView() {
  const choose = (/** @type {Event} */ event) => {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    const example = examples.value.find(({ id }) => id === select.value);
    const lesson = lessons.value.find(({ id }) => `lesson ${id}` === select.value);
    if (example) void openExample(example);
    if (lesson) chooseLesson(lesson.id);
    select.value = '';
  };
  const onFile = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    void openFile(input.files?.[0]);
    input.value = '';
  };
  return html`
    <select id="example" class="quiet" aria-label="Examples and lessons" @change=${choose}>
      <option value="">Examples</option>
      <optgroup label="Texts">${examples.value.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}</optgroup>
      <optgroup label="Lessons">${lessons.value.map(({ id, title }) => html`<option value=${`lesson ${id}`}>${title}</option>`)}</optgroup>
    </select>
    <button type="button" class="quiet" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).parentElement?.querySelector('input[type="file"]')).click()}>Open…</button>
    ${saveView()}
    <input type="file" accept="text/*,.md,.json,.npz,.py,.js,.ts,.c,.cpp,.java,.rs,.go,.tex,.csv" hidden @change=${onFile}>
  `;
}
