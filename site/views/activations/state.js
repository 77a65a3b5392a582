// What only the activations view needs to know, as signals: written by its actions and live.js, read by its parts; main thread.

import * as page from '../../state.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {Palette} from '../../charts/theme.js' */

/** The prompt in the box. */
export const prompt = signal('The lighthouse keeper opened the door and saw');

/** How to write; the names are those of `tokenlight.generate`. */
export const DEFAULTS = { maxTokens: 60, temperature: 0.8, topK: 0, topP: 0.95, minP: 0, repetitionPenalty: 1, frequencyPenalty: 0, seed: 1, greedy: false, stop: '' };
export const options = signal({ ...DEFAULTS });

/**
 * A way the text went on. `ids` are all its tokens; it left its parent at token `fork`; `given` tokens were not generated.
 * @typedef {{ id: number, parent: number | null, fork: number, given: number, ids: number[], texts: string[], seed: number | null, runId: number | null }} Branch
 */
export const branches = signal(/** @type {Branch[]} */ ([]));

/** The branch that is shown, where there is one. */
export const branch = computed(() => branches.value.find(({ runId }) => runId !== null && runId === page.run.value?.runId) ?? null);

/** Tokens that can be stepped through: their numbers have come. */
export const count = computed(() => page.run.value?.count ?? 0);

/** The token all panels show: the chosen one, else the newest that has been read. */
export const current = computed(() => (count.value ? Math.min(page.pinned.value ?? count.value - 1, count.value - 1) : null));

/** Hidden state of the neuron strip (0: embeddings; null: the middle one), quantity of the heatmap, Transformer Lab's picture. */
export const layer = signal(/** @type {number | null} */ (null));
export const quantity = signal('hidden_norm');
export const transformerLab = signal(false);
export const shownLayer = computed(() => {
  const layers = page.model.value?.manifest.layers ?? 0;
  return Math.min(layer.value ?? Math.floor(layers / 2), layers);
});

/** Panels in or near the window, by id: only these are asked for and drawn. */
export const inSight = signal(/** @type {ReadonlySet<string>} */ (new Set()));
/** Panels whose tables are open, with what is in them; null: on its way. */
export const tables = signal(/** @type {Record<string, { columns: string[], rows: unknown[][] } | null>} */ ({}));

/** Python's answers (pyscripts/views/activations.py), by panel. `shown` says of which run and token each is. */
export const found = signal(/** @type {Record<string, any>} */ ({}));
export const shown = signal(/** @type {{ runId: number, token: number } | null} */ (null));
export const palettes = signal(/** @type {Record<string, Palette> | null} */ (null));
