// What is kept in this browser: the page for offline use, models, and buttons to delete them; main thread.

import { message, say } from '../page/notices.js';
import * as offline from '../page/offline.js';
import * as state from '../page/state.js';
import { deleteStored, forgetStored, refreshPersistent, refreshStored } from '../page/storage.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { megabytes } from './format.js';

const WORDS = {
  unknown: 'Offline use: not known yet.',
  unsupported: 'This browser cannot store the page for offline use.',
  storing: 'The page is being stored for offline use…',
  stored: 'The page works offline, with every stored model.',
  failed: 'The page could not be stored for offline use. The next visit will try again.',
};

/** @type {Record<string, string>} */
const PERSISTENT = {
  true: 'The browser keeps all this until you delete it.',
  false: 'The browser may delete all this when it is short of space.',
  null: '', // not known
};

/** Offers a newer release, or other models. */
export function updateView() {
  const { newer, models } = state.offline.value;
  if (newer) {
    return html`<div class="notice">
      <p>A new version of this page is ready.</p>
      <button type="button" id="switch-release" @click=${() => offline.switchRelease()}>Use it now</button>
    </div>`;
  }
  if (!models) return nothing;
  return html`<div class="notice">
    <p>The models of this site have changed.</p>
    <button type="button" id="reload-models" @click=${() => location.reload()}>Reload the page</button>
  </div>`;
}

async function uninstall() {
  const left = await offline.uninstall();
  if (left.length) {
    void refreshStored().catch(() => {});
    return say(`The browser did not allow everything to be removed. Use its own settings for this site to remove what may be left: ${left.join(', ')}.`, true);
  }
  forgetStored();
  say('All stored data was removed. A reload loses the text, and stores the page again.');
}

/** What is being packed: bytes so far. */
const packing = signal(/** @type {number | null} */ (null));

async function savePage() {
  packing.value = 0;
  try {
    const [{ packPage }, { saveBlob }] = await Promise.all([import('../page/package.js'), import('../charts/files.js')]);
    saveBlob('tokenlight.zip', await packPage((done) => void (packing.value = done)));
  } catch (error) {
    say(message(error), true);
  } finally {
    packing.value = null;
  }
}

/** Refreshes the list: the browser may have removed something. */
function look() {
  refreshStored();
  void refreshPersistent();
  offline.recheck().catch(() => {});
}

/** Where the text and the code are kept, as far as the browser lets the page. */
function keptText() {
  const { text, code } = state.keeps.value;
  if (text && code) return 'The current text is kept in this tab for a reload, code of the Python lens in this browser.';
  const refused = 'The browser refused to store';
  const brief = 'only until the page is closed or reloaded';
  if (!text && !code) return `${refused} the current text and code of the Python lens: they last ${brief}.`;
  return text
    ? `The current text is kept in this tab for a reload. ${refused} code of the Python lens: it lasts ${brief}.`
    : `${refused} the current text: it lasts ${brief}. Code of the Python lens is kept in this browser.`;
}

export function storageView() {
  const { state: kept, bytes } = state.offline.value;
  const stored = state.models.value.map((entry) => ({ ...entry, ...(state.stored.value.get(entry.id) ?? { bytes: 0, total: entry.bytes }) }));
  return html`<details @toggle=${look}>
    <summary>Stored in this browser</summary>
    ${state.removed.value ? html`<p>This page stores nothing now, so a reload loses the text. The next visit stores the page again.</p>` : html`<p>${WORDS[kept]} ${bytes ? `The page itself takes ${megabytes(bytes)}.` : nothing} ${PERSISTENT[String(state.persistent.value)]} ${keptText()} No other text is stored, and nothing leaves this machine.</p>`}
    <table id="stored">
      <thead><tr><th scope="col">Model</th><th scope="col">Stored</th><th scope="col"><span class="sr-only">Delete</span></th></tr></thead>
      <tbody>
        ${stored.map(
          (model) => html`<tr>
            <th scope="row">${model.name}</th>
            <td>${model.bytes === 0 ? 'no' : model.bytes < model.total ? `${megabytes(model.bytes)} of ${megabytes(model.total)}` : megabytes(model.bytes)}</td>
            <td><button type="button" ?disabled=${!model.bytes} aria-label="Delete ${model.name} from this browser" @click=${() => deleteStored(model.id)}>Delete</button></td>
          </tr>`,
        )}
      </tbody>
    </table>
    <h3>Without a network</h3>
    <p><button type="button" id="save-page" ?disabled=${!state.model.value || packing.value !== null} @click=${savePage}>Save the page as a zip</button>
      <span class="hint">${packing.value === null ? `with ${state.model.value?.manifest.name ?? 'the model'}, for a classroom, for example` : `${megabytes(packing.value)}…`}</span></p>
    <p>Unpack it and, inside its folder, run <code>python3 -m http.server -b 127.0.0.1</code> (Linux, macOS) or <code>py -m http.server -b 127.0.0.1</code> (Windows), then open <code>http://127.0.0.1:8000/</code>.</p>
    <p><button type="button" id="uninstall" ?disabled=${state.removed.value} @click=${uninstall}>Remove everything this site stored</button></p>
  </details>`;
}
