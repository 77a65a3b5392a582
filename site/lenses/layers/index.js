// The layers lens: for the chosen token, its probabilities, activations and attention, layer by layer; main thread.

import { isChecked, element, mount } from '../../frame/mount.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { watchSight } from '../in_sight.js';
import { choice } from './choice.js';
import { wordClasses } from './classes.js';
import { focus } from './focus.js';
import { layerMap } from './layer_map.js';
import { layers } from './layers.js';
import { logitLens } from './logit_lens.js';
import { dimensions } from './dimensions.js';
import { transformerLab, transformerLabShown } from './transformer_lab.js';

const panels = [choice, layers, focus, transformerLab, logitLens, layerMap, dimensions, wordClasses];

const switchView = () =>
  html`<label class="check"><input type="checkbox" id="transformer-lab" .checked=${transformerLabShown.value} @change=${(/** @type {Event} */ event) => (transformerLabShown.value = isChecked(event))}> Transformer Lab’s numbers</label>`;

/** @type {import('../index.js').Lens} */
export const layersLens = {
  id: 'layers',
  title: 'Layers',
  panels,
  mount(place) {
    const bar = element('div', 'lens-bar');
    mount(bar, switchView, 'layers');
    const grid = element('div', 'panels');
    place.append(bar, grid);
    for (const panel of panels) {
      const own = element('section', 'card panel', `panel-${panel.id}`);
      own.setAttribute('aria-label', panel.title);
      grid.append(own);
      panel.mount(own);
      watchSight(own, panel.id);
    }
    watch('panels', () => {
      for (const panel of panels) /** @type {HTMLElement} */ (grid.querySelector(`#panel-${panel.id}`)).hidden = !state.count.value || Boolean(state.run.value?.stored) || Boolean(panel.hidden?.());
    });
  },
};
