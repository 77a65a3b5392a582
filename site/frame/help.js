// What the page shows and the keys it knows, in a dialog that “?” opens; main thread.

import { html } from '../vendor/lit-html/lit-html.js';
import { byId } from './mount.js';
import { COARSE } from './pointer.js';

const KEYS = [
  [['Ctrl or ⌘', 'Enter'], 'run: read the text'],
  [['Tab'], 'from the text to the buttons; Shift Tab: to its tokens'],
  [['←', '→', '↑', '↓'], 'in the text: move the caret and show the token there'],
  [['←', '→', 'Home', 'End'], 'among the tokens: the previous, next, first, last'],
  [['Enter'], 'among the tokens: pin or unpin'],
  [['Shift', '←', '→'], 'select tokens'],
  [['Ctrl or ⌘', 'Z'], 'undo; with Shift, redo'],
  [['Esc'], 'unpin the token, clear the selection'],
  [['Esc', 'Tab'], 'one after the other: leave the Python editor, where Tab indents'],
  [['?'], 'this help'],
];

const dialog = () => /** @type {HTMLDialogElement} */ (byId('help'));

/** Opens the help on “?” wherever nothing is typed. */
export function followHelpKey() {
  document.addEventListener('keydown', (event) => {
    if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/** @type {HTMLElement} */ (event.target).closest('textarea, input:not([type="range"], [type="checkbox"]), select, [popover]')) return;
    event.preventDefault();
    dialog().showModal();
  });
}

export function helpView() {
  return html`
    <button type="button" class="icon" id="help-button" aria-label="Help" title="Help (?)" @click=${() => dialog().showModal()}>?</button>
    <dialog id="help" aria-labelledby="help-title" @click=${(/** @type {Event} */ event) => event.target === dialog() && dialog().close()}>
      <div class="help">
        <div class="row spread"><h2 id="help-title">Help</h2><button type="button" class="icon" aria-label="Close" @click=${() => dialog().close()}>×</button></div>
        <p>A language model reads a text token by token and says, before each one, how likely every possible next token is. The colours show how likely it found the token that is there. ${COARSE ? 'Touch a token to pin it and see its numbers; touch the empty space after the text to change it.' : 'Point at a token for its numbers, click it to pin it, type anywhere to change the text.'}</p>
        <p>Run reads the text, Continue lets the model go on from its end. The lenses show the chosen token and the whole text in detail. The lessons, under Examples, go through them step by step. Nothing you type leaves this browser.</p>
        <h3>Keys</h3>
        <dl class="keys-list">${KEYS.map(([keys, words]) => html`<div><dt>${/** @type {string[]} */ (keys).map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${words}</dd></div>`)}</dl>
      </div>
    </dialog>`;
}
