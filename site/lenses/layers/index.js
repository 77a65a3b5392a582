// The layers lens: for the chosen token, its probabilities, activations and attention, layer by layer; main thread.

import { element, mount } from '../../frame/mount.js';
import { watch } from '../../page/notices.js';
import { ONLY_LIKELIHOODS } from '../../page/runs.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { watchSight } from '../in_sight.js';
import { choice } from './choice.js';
import { dimensions } from './dimensions.js';
import { focus } from './focus.js';
import { layerMap } from './layer_map.js';
import { layers } from './layers.js';
import { logitLens } from './logit_lens.js';
import { wordClasses } from './word_classes.js';

const panels = [choice, layers, focus, logitLens, dimensions, layerMap, wordClasses];

/** Why there are no panels, or which token they are about. */
function heading() {
  const run = state.run.value;
  const token = state.current.value;
  if (run?.stored) return html`<p class="hint">This example was read when the page was built. Run it to see what happens inside the model.</p>`;
  if (!run || token === null) return html`<p class="hint">Nothing has been read yet: type a text, or press Run.</p>`;
  if (run.conditions.stride !== null) return html`<p class="hint">${ONLY_LIKELIHOODS}</p>`;
  return html`<p class="about"><code>${visible(run.tokens.texts[token]) || '·'}</code> <span class="hint">token ${token + 1}, at every layer</span></p>`;
}

/** @type {import('../index.js').Lens} */
export const layersLens = {
  id: 'layers',
  title: 'Layers',
  panels,
  mount(place) {
    const about = element('div', 'about-token');
    mount(about, heading, 'layers');
    const grid = element('div', 'panels');
    place.append(about, grid);
    for (const panel of panels) {
      const own = element('section', 'panel', `panel-${panel.id}`);
      own.setAttribute('aria-label', panel.title);
      grid.append(own);
      panel.mount(own);
      watchSight(own, panel.id);
    }
    watch('panels', () => void (grid.hidden = !state.run.value || Boolean(state.run.value.stored) || state.run.value.conditions.stride !== null));
  },
};
