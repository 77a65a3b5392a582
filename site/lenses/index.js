// The lenses in their order: each looks at the current run in its own way. A new lens is one entry here; main thread.

import { attentionLens } from './attention/index.js';
import { layersLens } from './layers/index.js';
import { pythonLens } from './python/index.js';
import { tokensLens } from './tokens/index.js';
import { whyLens } from './why/index.js';

/**
 * @typedef {{ id: string, title: string, panels: import('./panel.js').Panel[], mount: (place: HTMLElement) => void }} Lens
 *   `mount` builds the lens into its tab's panel, once
 */

/** @type {Lens[]} */
export const lenses = [tokensLens, layersLens, attentionLens, whyLens, pythonLens];
