// The page's one state, as signals: written only by actions.js, read by the views; main thread.

import { signal } from './vendor/signals-core.js';

/** @import {Colours, LoadedModel, ModelEntry, Progress, TokenizedText} from './protocol.js' */

/**
 * A run as the views see it. Columns are flat arrays with room for every token; the first `count` tokens are filled. Tokens from `given` on were generated.
 * @typedef {{
 *   runId: number, tokens: TokenizedText, given: number, count: number, done: boolean,
 *   columns: Record<string, { data: Float32Array | Float64Array | Int32Array, width: number }>,
 *   colours: Colours | null, summary: Record<string, number | null>
 * }} RunState
 */

/** booting → ready ⇄ running; error: nothing can be analysed until the message has been acted on. */
export const phase = signal(/** @type {'booting' | 'ready' | 'running' | 'error'} */ ('booting'));

/** The tabs, in their order; each is the id of its panel. */
export const VIEWS = /** @type {const} */ (['likelihood', 'activations']);
export const view = signal(/** @type {typeof VIEWS[number]} */ ('likelihood'));

/** What the page has to say to the person, one sentence; `error` where something failed, `retry` a model to load again. */
export const notice = signal(/** @type {{ text: string, error: boolean, retry?: string } | null} */ (null));

/** What is being loaded; a part that is done is null. */
export const loading = signal(/** @type {{ model: Progress | null, python: Progress | null }} */ ({ model: null, python: null }));

export const models = signal(/** @type {ModelEntry[]} */ ([]));

/** The model whose download waits for the visitor's word; null where nothing waits. */
export const consent = signal(/** @type {ModelEntry | null} */ (null));

/** The loaded model with the text of every token id. */
export const model = signal(/** @type {LoadedModel | null} */ (null));

/** The text in the box. */
export const text = signal('');

export const run = signal(/** @type {RunState | null} */ (null));

/** The token the pointer is over, and the one that was chosen to stay; indices of shown tokens. */
export const hovered = signal(/** @type {number | null} */ (null));
export const pinned = signal(/** @type {number | null} */ (null));

/** The colourings to choose from, the default first; empty until Python can answer. */
export const colourings = signal(/** @type {{ id: string, title: string, description: string }[]} */ ([]));

/** What the person chose about the page itself; kept between visits (preferences.js). */
export const settings = signal({
  topK: 10, // alternatives the inspector lists
  colouring: 'hue',
  theme: /** @type {'system' | 'light' | 'dark'} */ ('system'),
  units: /** @type {'bits' | 'nats'} */ ('bits'), // of surprisal and entropy
  whitespace: false, // whether spaces and line ends are marked
  device: /** @type {'wasm' | 'webgpu'} */ ('wasm'), // what runs the model
  live: false, // whether the text is read again while it is typed
  length: 40, // tokens written at a time from the likelihood view
  temperature: 0.7,
});

/**
 * Whether the page itself is kept for offline use; `newer` is a release that waits for the person's word.
 * @typedef {{ state: 'unknown' | 'unsupported' | 'storing' | 'stored' | 'failed', newer: string | null, bytes: number }} Offline
 */
export const offline = signal(/** @type {Offline} */ ({ state: 'unknown', newer: null, bytes: 0 }));

/** By model id: bytes of it that are stored in this browser, of how many. */
export const stored = signal(/** @type {Map<string, { bytes: number, total: number }>} */ (new Map()));
