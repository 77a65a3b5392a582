// A lens made of panels: a line that says which token they are about, and below it each panel in a place of its own; main thread.

import { count } from '../frame/format.js';
import { element, mount } from '../frame/mount.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { html } from '../vendor/lit-html/lit-html.js';
import { watchSight } from './in_sight.js';

/**
 * @param {{ id: string, title: string, panels: import('./panel.js').Panel[], about: string, token?: () => number | null }} lens
 *   `about`: what the panels show of the token, which is the chosen one unless `token` says another
 * @returns {import('./index.js').Lens}
 */
export const panelLens = ({ id, title, panels, about, token = () => state.current.value }) => ({
  id,
  title,
  panels,
  mount(place) {
    const heading = element('div', 'about-token');
    const grid = element('div', 'panels');
    place.append(heading, grid);
    mount(heading, () => headingView(about, token()), id);
    for (const panel of panels) {
      const own = element('section', 'panel', `panel-${panel.id}`);
      own.setAttribute('aria-label', panel.title);
      grid.append(own);
      panel.mount(own);
      watchSight(own, panel.id);
    }
    watch(`panels of ${id}`, () => void (grid.hidden = !state.text.value || Boolean(state.run.value?.stored) || !state.hasLayers()));
  },
});

/** Why there are no panels, or which token they are about. @param {string} about @param {number | null} token */
function headingView(about, token) {
  const run = state.run.value;
  if (run?.stored && token !== null) return html`<p class="hint">This example was read when the page was built. Run it to see what happens inside the model.</p>`;
  if (!run || token === null) return html`<p class="hint">Nothing has been read yet: type a text, or press Run.</p>`;
  if (run.whyNoLayers !== null) return html`<p class="hint">${run.whyNoLayers}</p>`;
  return html`<p class="about"><code>${state.nameOfToken(token)}</code> <span class="hint">token ${count(token + 1)}, ${about}</span></p>`;
}
