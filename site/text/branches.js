// The versions the text has had, as a tree, each ready to be shown again; main thread.

import { countOf } from '../frame/format.js';
import { show } from '../page/edits.js';
import * as state from '../page/state.js';
import { keepOnlyCurrent, version, versions } from '../page/versions.js';
import { commonLength } from '../shared/run_key.js';
import { excerpt, visible } from '../shared/token_text.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { signal } from '../vendor/signals-core.js';

/** @import {Version} from '../page/versions.js' */

const LABEL = 42; // characters of a version that are worth showing

/** Whether the button that deletes the others was pressed once. */
const asked = signal(false);

export function branchesView() {
  const all = versions.value;
  if (all.length < 2) return nothing;
  const known = new Set(all.map(({ id }) => id));
  const isRoot = (/** @type {Version} */ { parent }) => parent === null || !known.has(parent);
  const children = (/** @type {number | null} */ parent) => all.filter((each) => (parent === null ? isRoot(each) : each.parent === parent));
  /** A version and those after it, up to the next fork, which is a list of its own. @type {(each: Version, parent: Version | null) => unknown[]} */
  const branch = (each, parent) => {
    const items = [];
    for (let next = [each]; next.length === 1; parent = each) {
      [each] = next;
      next = children(each.id);
      items.push(html`<li>${entry(each, parent)}${next.length > 1 ? list(next, each) : nothing}</li>`);
    }
    return items;
  };
  const list = (/** @type {Version[]} */ some, /** @type {Version | null} */ parent) => html`<ul>${some.map((each) => branch(each, parent))}</ul>`;
  return html`<details class="branches">
    <summary>Versions (${all.length})</summary>
    <div class="row spread">
      <p class="hint">Every text you ran, opened or generated. Typed text is added when you move on to another.</p>
      <button type="button" class="small" id="delete-others" @click=${deleteOthers} @blur=${() => (asked.value = false)}>${asked.value ? `Delete ${countOf(all.length - 1, 'text')} for good` : 'Delete the others'}</button>
    </div>
    ${list(children(null), null)}
  </details>`;
}

/** Deletes at the second press: nothing brings them back. */
function deleteOthers() {
  if (asked.value) keepOnlyCurrent();
  asked.value = !asked.value;
}

/** @param {Version} each @param {Version | null} parent */
function entry(each, parent) {
  const mine = version.value?.id === each.id;
  const at = parent ? commonLength(parent.text, each.text) : 0;
  const text = visible(each.text.slice(at).trimStart().slice(0, 2 * LABEL)).replaceAll('␣', ' ').trim(); // the rest of a long text is not seen
  const kind = each.seed !== null ? `generated, seed ${each.seed}` : each.literal ? 'read as plain text' : each.ids ? 'read' : 'typed';
  return html`<button type="button" class=${mine ? 'branch chosen' : 'branch'} aria-pressed=${mine} ?disabled=${!state.canRun.value} @click=${() => show(each)}>
    <span translate="no" dir="auto">${at ? '… ' : ''}${excerpt(text, LABEL) || '(shortened)'}</span>
    <small>${kind}</small>
  </button>`;
}
