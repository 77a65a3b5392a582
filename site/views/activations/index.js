// Puts the activations view together; main thread.

import { dark } from '../../charts/theme.js';
import * as state from '../../state.js';
import { readHash } from '../../hash.js';
import { computed, effect } from '../../vendor/signals-core.js';
import { html, render } from '../../vendor/lit-html/lit-html.js';
import { followRuns } from './actions.js';
import { choiceView } from './choice.js';
import { classesPanel } from './classes.js';
import { focusPanel } from './focus.js';
import { layerMap, layersView } from './layers.js';
import { lensView } from './lens.js';
import { followState } from './live.js';
import { neuronStrip } from './neurons.js';
import { followKeys, stepperView } from './stepper.js';
import { inSight, prompt, transformerLab } from './state.js';
import { branchesView, mountText, speedView } from './text.js';
import { transformerLabView } from './transformer_lab.js';
import { writerView } from './writer.js';

/** @param {string} tag @param {string} className @param {string} [id] */
function element(tag, className, id) {
  const made = document.createElement(tag);
  made.className = className;
  if (id) made.id = id;
  return made;
}

/** Draws a view again when what it read changes, while it can be seen. @param {HTMLElement} root @param {() => unknown} view @param {string} [panel] its id, for a panel */
function draw(root, view, panel) {
  const seen = computed(() => state.view.value === 'activations' && (!panel || inSight.value.has(panel)));
  effect(() => {
    if (seen.value) render(view(), root);
  });
  return root;
}

function switchView() {
  return html`<label class="check"><input type="checkbox" id="transformer-lab" .checked=${transformerLab.value} @change=${(/** @type {Event} */ event) => (transformerLab.value = /** @type {HTMLInputElement} */ (event.target).checked)}> Transformer Lab’s numbers</label>`;
}

/** @param {HTMLElement} root the tab's panel */
export function mountActivations(root) {
  const asked = readHash();
  if (asked.view === 'activations' && asked.text) prompt.value = asked.text;
  const text = element('section', 'card written');
  text.setAttribute('aria-label', 'The text as the model writes it');
  const tokens = element('div', '');
  text.append(tokens, draw(element('div', ''), speedView), draw(element('div', ''), branchesView));
  mountText(tokens);
  const top = element('div', 'act-top');
  top.append(draw(element('div', 'card writer'), writerView), text);
  const bar = element('div', 'card act-bar');
  bar.append(draw(element('div', 'stepper', 'stepper'), stepperView), draw(element('div', ''), switchView));
  root.append(top, bar, panels());
  followKeys();
  followRuns();
  followState();
}

function panels() {
  const grid = element('div', 'panels');
  const columns = /** @type {[string, string, () => unknown][][]} */ ([
    [['choice', '', choiceView], ['layer_map', 'inside', layerMap()], ['word_classes', 'inside', classesPanel()]],
    [['transformer_lab', 'lab', transformerLabView], ['layers', 'inside', layersView], ['focus', 'inside', focusPanel()]],
    [['lens_layers', 'inside', lensView], ['dimensions', 'inside', neuronStrip()]],
  ]);
  const watch = new IntersectionObserver((entries) => {
    const seen = new Set(inSight.peek());
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? 'add' : 'delete'](target.id.slice('panel-'.length));
    inSight.value = seen;
  }, { rootMargin: '300px' });
  for (const column of columns) {
    const place = element('div', 'panel-column');
    grid.append(place);
    for (const [id, kind, view] of column) {
      const panel = element('section', `card panel ${kind}`, `panel-${id}`);
      place.append(draw(panel, view, id));
      watch.observe(panel);
    }
  }
  effect(() => {
    grid.classList.toggle('lab-shown', transformerLab.value);
    for (const [id, kind] of columns.flat()) {
      const panel = /** @type {HTMLElement} */ (grid.querySelector(`#panel-${id}`));
      panel.hidden = !state.run.value?.count || (kind.includes('lab') ? !transformerLab.value : kind === 'inside' && transformerLab.value);
    }
    dark.value;
  });
  return grid;
}
