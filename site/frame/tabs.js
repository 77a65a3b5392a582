// The tabs that switch between the lenses; main thread.

import { lenses } from '../lenses/index.js';
import { setLens } from '../page/choices.js';
import * as state from '../page/state.js';
import { html } from '../vendor/lit-html/lit-html.js';

/** The id of a lens's panel: #tokens is the coloured text itself. @param {string} id */
export const panelId = (id) => (id === 'tokens' ? 'tokens-lens' : id);

/** Left and right arrows, Home and End move between tabs, as in every tab list. @param {KeyboardEvent} event */
function onKeydown(event) {
  const ids = state.lenses.value;
  const now = ids.indexOf(state.lens.value);
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: -1 }[event.key];
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  setLens(ids.at(to % ids.length) ?? null);
  document.getElementById(`tab-${state.lens.value}`)?.focus();
}

export function tabsView() {
  return html`<div role="tablist" aria-label="Lenses" @keydown=${onKeydown}>
    ${lenses.filter(({ id }) => state.lenses.value.includes(id)).map(({ id, title }) => {
      const chosen = state.lens.value === id;
      return html`<button type="button" role="tab" id="tab-${id}" aria-controls=${panelId(id)} aria-selected=${chosen} tabindex=${chosen ? 0 : -1} @click=${() => setLens(id)}>${title}</button>`;
    })}
  </div>`;
}
