// Saves the run: as JSON, NPZ, CSV or a page of the coloured text; main thread.

import { tell } from '../page/notices.js';
import { runFile } from '../page/questions.js';
import * as state from '../page/state.js';
import { html } from '../vendor/lit-html/lit-html.js';

/** @type {{ kind: import('../shared/options.js').FileKind, title: string, words: string }[]} */
const KINDS = [
  { kind: 'json', title: 'JSON', words: 'every number of every token; Open… shows it again' },
  { kind: 'npz', title: 'NPZ', words: 'also attention and hidden states, as numpy arrays; Open… shows it again' },
  { kind: 'csv', title: 'CSV', words: 'a table with one row for each token' },
  { kind: 'html', title: 'HTML', words: 'the coloured text as a page of its own, for an article' },
];

export function saveView() {
  const run = state.run.value;
  const ready = Boolean(run?.done && !run.stored && state.text.value);
  return html`<details class="options" id="save">
    <summary class="quiet" title="Save the run as a file">Save</summary>
    <div class="popover-panel save-panel">
      ${ready ? '' : html`<p class="hint">There is no run to save yet. Press Run first.</p>`}
      ${KINDS.map(({ kind, title, words }) => html`<button type="button" id="save-${kind}" ?disabled=${!ready} @click=${() => save(kind).catch(tell)}><b>${title}</b> <span class="hint">${words}</span></button>`)}
    </div></details>`;
}

/** @param {import('../shared/options.js').FileKind} kind */
async function save(kind) {
  const { saveBlob } = await import('../charts/files.js'); // not needed for the first look
  const id = state.run.value?.model.id ?? 'run';
  saveBlob(`tokenlight-${id.replace(/[^\w.-]+/g, '-')}.${kind}`, await runFile(kind));
}
