// What is kept in this browser: the page for offline use, models, and buttons to delete them; main thread.

import { message, say } from '../page/notices.js';
import * as offline from '../page/offline.js';
import * as state from '../page/state.js';
import { deleteStored, forgetStored, refreshStored } from '../page/storage.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { megabytes } from './format.js';

const WORDS = {
  unknown: 'Offline use: not known yet.',
  unsupported: 'This browser cannot store the page for offline use.',
  storing: 'The page is being stored for offline use…',
  stored: 'The page works offline, with every stored model.',
  failed: 'The page could not be stored for offline use. The next visit will try again.',
};

/** Offers a newer release. */
export function updateView() {
  if (!state.offline.value.newer) return nothing;
  return html`<div class="notice" role="status">
    <p>A new version of this page is ready.</p>
    <button type="button" id="switch-release" @click=${() => offline.switchRelease()}>Use it now</button>
  </div>`;
}

async function uninstall() {
  try {
    await offline.uninstall();
  } catch (error) {
    return say(`The browser did not allow everything to be removed (${message(error)}). Use its own settings for this site.`, true);
  }
  forgetStored();
  say('All stored data was removed. Visiting again will store it again.');
}

/** Refreshes the list: the browser may have removed something. */
function look() {
  refreshStored();
  offline.recheck().catch(() => {});
}

export function storageView() {
  const { state: kept, bytes } = state.offline.value;
  const stored = state.models.value.map((entry) => ({ ...entry, ...(state.stored.value.get(entry.id) ?? { bytes: 0, total: entry.bytes }) }));
  return html`<details @toggle=${look}>
    <summary>Stored in this browser</summary>
    <p>${WORDS[kept]} ${bytes ? `The page itself takes ${megabytes(bytes)}.` : nothing} The current text is kept in this tab for a reload, code of the Python lens in this browser. No other text is stored, and nothing leaves this machine.</p>
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
    <p><button type="button" id="uninstall" @click=${uninstall}>Remove everything this site stored</button></p>
  </details>`;
}
