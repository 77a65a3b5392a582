// The Why lens: why the model predicted the token, in three readings that are never mixed, and what changes inside it change; main thread.

import { panelLens } from '../lens.js';
import { adds } from './adds.js';
import { agreement } from './agreement.js';
import { ID } from './choice.js';
import { interventions } from './interventions.js';
import { looks } from './looks.js';
import { patch } from './patch.js';
import { context, heads, hidden } from './needs.js';
import { questionPanel } from './question.js';
import { followShading } from './shading.js';
import { steerPanel } from './steer.js';

const lens = panelLens({
  id: ID,
  title: 'Why',
  about: 'and why the model predicted it here',
  panels: [questionPanel, adds, looks, hidden, heads, context, agreement, interventions, patch, steerPanel],
});

/** @type {import('../index.js').Lens} */
export const whyLens = {
  ...lens,
  mount(place) {
    lens.mount(place);
    followShading();
  },
};
