// The written text in colour, token by token, with its speed and the branches it has taken; main thread.

import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { visible } from '../../token_text.js';
import { TokenElements } from '../likelihood/token_elements.js';
import * as actions from './actions.js';
import { branch, branches, current, found, shown } from './state.js';

const EMPTY = { text: '', ids: [], texts: [], bytes: [], hex: [], control: [], total: 0 };
const LABEL = 42; // characters of a branch that are worth showing

/** @param {HTMLElement} root */
export function mountText(root) {
  const elements = new TokenElements(root, 'written');
  root.className = 'tokens';
  root.setAttribute('role', 'listbox');
  root.setAttribute('aria-label', 'The text, token by token');
  effect(() => {
    if (state.view.value !== 'activations') return;
    const run = state.run.value;
    root.tabIndex = run ? 0 : -1;
    root.hidden = !run;
    elements.update(run?.tokens ?? EMPTY, run?.given ?? 0);
    if (run?.colours) elements.paint(run.colours);
  });
  let marked = /** @type {HTMLElement | undefined} */ (undefined);
  effect(() => {
    if (state.view.value !== 'activations') return;
    marked?.setAttribute('aria-selected', 'false');
    marked = elements.at(current.value);
    marked?.setAttribute('aria-selected', 'true');
    if (marked) root.setAttribute('aria-activedescendant', marked.id);
    if (marked) root.scrollTop = Math.max(Math.min(root.scrollTop, marked.offsetTop - 8), marked.offsetTop + marked.offsetHeight + 8 - root.clientHeight);
  });
  root.addEventListener('click', (event) => {
    const element = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest('[data-index]'));
    if (element) actions.stepTo(Number(element.dataset.index));
  });
}

export function speedView() {
  const run = state.run.value;
  const speed = found.value.speed;
  if (!run || !speed?.tokens || shown.value?.runId !== run.runId) return nothing;
  return html`<p class="hint" id="speed" role="status">${speed.words}${run.done ? '' : ' …'}</p>`;
}

export function branchesView() {
  const all = branches.value;
  if (all.length < 2) return nothing;
  const children = (/** @type {number | null} */ parent) => all.filter((each) => each.parent === parent || (parent === null && !all.some(({ id }) => id === each.parent)));
  /** @type {(parent: number | null) => unknown} */
  const list = (parent) => {
    const mine = children(parent);
    return mine.length ? html`<ul>${mine.map((each) => html`<li>${entry(each)}${list(each.id)}</li>`)}</ul>` : nothing;
  };
  return html`<div class="branches"><div class="row spread"><h3>Ways the text went on</h3><button type="button" class="small" @click=${actions.clearBranches}>Keep only this</button></div>${list(null)}</div>`;
}

/** @param {import('./state.js').Branch} each */
function entry(each) {
  const mine = branch.value?.id === each.id;
  const texts = mine ? (state.run.value?.tokens.texts ?? each.texts) : each.texts;
  const text = visible(texts.slice(each.fork || (each.parent === null ? 0 : each.given)).join('')).replaceAll('␣', ' ').trim();
  return html`<button type="button" class=${mine ? 'branch chosen' : 'branch'} aria-pressed=${mine} @click=${() => actions.show(each)}>
    <span>${each.parent === null ? '' : '… '}${text.slice(0, LABEL)}${text.length > LABEL ? '…' : ''}</span>
    <small>${each.parent === null ? '' : `from token ${each.fork + 1} · `}${each.seed === null ? 'read' : `seed ${each.seed}`}</small>
  </button>`;
}
