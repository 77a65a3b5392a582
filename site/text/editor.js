// The text box, where a text comes from, and the buttons that read, continue, stop and undo; main thread.

import { isChecked, valueOf } from '../frame/mount.js';
import { makeLink } from '../page/address.js';
import { continueText, newSample, readText, redo, set, setText, undo } from '../page/edits.js';
import { say } from '../page/notices.js';
import { stop } from '../page/runs.js';
import * as state from '../page/state.js';
import { redoTarget, undoTarget } from '../page/versions.js';
import { html } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';
import { examples } from './examples.js';
import { openFile } from './files.js';
import { openExample } from './precomputed.js';
import { samplingView } from './sampling.js';

export function editorView() {
  return html`
    <div class="row spread">
      <label for="text" class="title">Text</label>
      ${sources()}
    </div>
    ${box()}
    ${buttons()}
    ${samplingView()}
  `;
}

function box() {
  const onKeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void readText();
  };
  return html`<textarea id="text" rows="5" spellcheck="false" .value=${live(state.text.value)} placeholder="Type or paste a text, or drop a file here. Write ___ for a blank to fill in." @input=${(/** @type {Event} */ event) => setText(valueOf(event))} @keydown=${onKeydown}></textarea>`;
}

function sources() {
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
  return html`<div class="row">
    <label class="sr-only" for="example">Example</label>
    <select id="example" @change=${choose}>
      <option value="">Examples…</option>
      ${examples.value.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}
    </select>
    <button type="button" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).nextElementSibling).click()}>Open a file…</button>
    <input type="file" accept="text/*,.md,.json,.py,.js,.ts,.c,.cpp,.java,.rs,.go,.tex,.csv" hidden @change=${onFile}>
    <button type="button" id="copy-link" ?disabled=${!state.text.value} title="A link that holds this text" @click=${copyLink}>Copy link</button>
  </div>`;
}

async function copyLink() {
  const link = makeLink();
  await navigator.clipboard.writeText(link).then(
    () => say('The link is copied. It holds the text: whoever opens it can read it.'),
    () => say('The link is in the address bar now. It holds the text: whoever opens it can read it.'),
  );
}

function buttons() {
  const ready = state.canRun.value;
  const running = state.phase.value === 'running';
  const { text } = state;
  return html`<div class="row">
    <button type="button" id="run" class="primary" aria-keyshortcuts="Control+Enter Meta+Enter" title="Ctrl + Enter" ?disabled=${!ready} @click=${readText}>Run</button>
    <button type="button" id="continue" ?disabled=${!ready || !text.value} title="Let the model continue the text" @click=${continueText}>Continue</button>
    <button type="button" id="new-sample" ?disabled=${!ready || running || !state.count.value || state.settings.value.sampling.greedy} title="Generate again with another seed" @click=${newSample}>New sample</button>
    <button type="button" id="stop" ?disabled=${!running} @click=${stop}>Stop</button>
    <span class="pair">
      <button type="button" id="undo" ?disabled=${!undoTarget.value} @click=${undo} aria-label="Undo" title="Undo">↶</button>
      <button type="button" id="redo" ?disabled=${!redoTarget.value} @click=${redo} aria-label="Redo" title="Redo">↷</button>
    </span>
    <label class="check"><input type="checkbox" id="live" .checked=${live(state.settings.value.live)} @change=${(/** @type {Event} */ event) => set('live', isChecked(event))}> Read while I type</label>
  </div>`;
}
