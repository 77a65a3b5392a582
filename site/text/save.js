// Saves the run: as JSON, NPZ, CSV, a page of the coloured text, or code that embeds the text elsewhere; main thread.

import { linkInFile } from '../page/address.js';
import { say, tell } from '../page/notices.js';
import { runFile } from '../page/questions.js';
import * as state from '../page/state.js';
import { packed } from '../shared/packed.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

/** @import {FileKind} from '../shared/options.js' */

/** @type {{ kind: FileKind, title: string, words: string }[]} */
const KINDS = [
  { kind: 'json', title: 'JSON', words: 'every number of every token; Open… shows it again' },
  { kind: 'npz', title: 'NPZ', words: 'also attention and hidden states, as numpy arrays; Open… shows it again' },
  { kind: 'csv', title: 'CSV', words: 'a table with one row for each token' },
  { kind: 'html', title: 'HTML', words: 'the coloured text as a page of its own, for an article' },
];
const LONGEST_ADDRESS = 60_000; // characters; the embedded text is part of it

/** The code that was made last, with the run it embeds. */
const made = signal(/** @type {{ run: number, code: string } | null} */ (null));

export function saveView() {
  const run = state.run.value;
  const ready = Boolean(run?.done && run.count && !run.stored && state.text.value);
  const code = made.value && made.value.run === run?.id ? made.value.code : null;
  return html`<details class="options" id="save">
    <summary title="Save the run as a file, or embed the coloured text in a page">Save</summary>
    <div class="popover-panel save-panel">
      ${ready ? nothing : html`<p class="hint">There is no run to save yet. Press Run first.</p>`}
      ${KINDS.map(({ kind, title, words }) => choice(`save-${kind}`, title, words, ready, () => save(kind)))}
      ${choice('embed', 'Embed', 'copy HTML code that shows the coloured text in another page', ready, copyCode)}
      ${code === null ? nothing : html`<textarea id="embed-code" readonly rows="3" aria-label="HTML code" .value=${code} @focus=${selectAll}></textarea>`}
    </div></details>`;
}

/** @param {string} id @param {string} title @param {string} words @param {boolean} ready @param {() => Promise<void>} act */
const choice = (id, title, words, ready, act) =>
  html`<button type="button" id=${id} ?disabled=${!ready} @click=${() => act().catch(tell)}><b>${title}</b> <span class="hint">${words}</span></button>`;

/** @param {Event} event */
const selectAll = (event) => /** @type {HTMLTextAreaElement} */ (event.target).select();

/** Of a file, without its ending. */
const nameOf = () => `tokenlight-${(state.run.value?.model.id ?? 'run').replace(/[^\w.-]+/g, '-')}`;

/** @param {FileKind} kind */
async function save(kind) {
  const { saveBlob } = await import('../charts/files.js'); // not needed for the first look
  saveBlob(`${nameOf()}.${kind}`, await runFile(kind, linkInFile()));
}

/** Copies an iframe of the embed page, which holds the run in its address or, if that is too long, reads it from a file. */
async function copyCode() {
  const run = /** @type {state.RunState} */ (state.run.value);
  const blob = await runFile('embed', '');
  let address = new URL(`embed.html#run=${await packed(await blob.text())}`, document.baseURI).href;
  const long = address.length > LONGEST_ADDRESS;
  if (long) {
    const file = `${nameOf()}.embed.json`;
    (await import('../charts/files.js')).saveBlob(file, blob);
    address = new URL(`embed.html#file=${file}`, document.baseURI).href;
  }
  const code = `<iframe src="${address}" title="A text coloured by Tokenlight" width="100%" height="320" style="border: 0" loading="lazy"></iframe>`;
  made.value = { run: run.id, code };
  const where = long ? ' The text is too long for a link, so it was saved as a file: put that file in the folder that holds embed.html.' : '';
  await navigator.clipboard.writeText(code).then(
    () => say(`The code was copied. Anyone with the code can read the text.${where}`),
    () => say(`Copy the code from the box. Anyone with the code can read the text.${where}`),
  );
}
