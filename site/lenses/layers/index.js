// The layers lens: for the chosen token, its probabilities, activations and attention, layer by layer; main thread.

import { panelLens } from '../lens.js';
import { choice } from './choice.js';
import { dimensions } from './dimensions.js';
import { focus } from './focus.js';
import { layerMap } from './layer_map.js';
import { layers } from './layers.js';
import { logitLens } from './logit_lens.js';
import { wordClasses } from './word_classes.js';

export const layersLens = panelLens({
  id: 'layers',
  title: 'Layers',
  about: 'at every layer',
  panels: [choice, layers, focus, logitLens, dimensions, layerMap, wordClasses],
});
