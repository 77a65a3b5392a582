// The attention lens: the one text shaded by what a token looks at, all heads at a glance, and one head in detail; main thread.

import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { panelLens } from '../lens.js';
import { subject } from './choice.js';
import { classes } from './classes.js';
import { grid } from './grid.js';
import { induction } from './induction.js';
import { looksAt } from './looks_at.js';
import { modelHeads } from './model_heads.js';
import { oneHead } from './one_head.js';
import { followShading } from './shading.js';

const NARROW = 9; // heads in a layer, at most, that leave room beside the grid

const lens = panelLens({
  id: 'attention',
  title: 'Attention',
  about: 'and the tokens it looks at',
  token: () => subject.value,
  panels: [looksAt, grid, oneHead, induction, modelHeads, classes],
});

/** @type {import('../index.js').Lens} */
export const attentionLens = {
  ...lens,
  mount(place) {
    lens.mount(place);
    followShading();
    watch('columns of the attention lens', () => {
      place.classList.toggle('beside', (state.model.value?.manifest.heads ?? 0) <= NARROW);
    });
  },
};
