// The page's one state, as signals: written only by actions in page/, read by everything that draws; main thread.

import { computed, signal } from '../vendor/signals-core.js';
import { SAMPLING } from '../shared/options.js';

/** @import {Colouring, Colours, LoadedModel, ModelEntry, Numbers, Palette, Progress, RunConditions, Summary, TokenizedText} from '../shared/protocol.js' */

/**
 * A run as the page sees it. Everything in it belongs to this run alone: the columns are its own copies, the vocabulary is
 * that of the model that read it. Columns are flat arrays with room for every token; the first `count` tokens are filled.
 * Tokens from `given` on were generated. `stored` holds what was computed when the site was built (text/precomputed.js).
 * @typedef {{
 *   id: number, kind: 'read' | 'generate' | 'stored', model: { id: string, name: string, layers: number, lens: boolean, vocabulary: (id: number) => string },
 *   conditions: RunConditions, tokens: TokenizedText, given: number, count: number, done: boolean,
 *   columns: Record<string, { data: Numbers, width: number }>,
 *   colours: Colours | null, summary: Summary | null, stored: StoredRun | null,
 *   literal: boolean
 * }} RunState
 * @typedef {{ colours: Record<string, Colours>, colourings: Colouring[], answers: Record<string, import('../shared/protocol.js').Answer<any, string>> }} StoredRun
 */

/** The lenses, in their order; each is the id of its panel but for the first, whose panel is `tokens-lens`. */
export const LENSES = /** @type {const} */ (['tokens', 'layers']);
export const lens = signal(/** @type {typeof LENSES[number]} */ ('tokens'));

/** One sentence for the visitor; `error` if something failed, `retry` a model to load again. */
export const notice = signal(/** @type {{ text: string, error: boolean, retry?: string } | null} */ (null));

/** What is being loaded; a part that is done is null. */
export const loading = signal(/** @type {{ model: Progress | null, python: Progress | null }} */ ({ model: null, python: null }));
/** Why nothing can be analysed; null while something can, or is being loaded. */
export const failure = signal(/** @type {string | null} */ (null));

export const models = signal(/** @type {ModelEntry[]} */ ([]));
/** The model whose download waits for the visitor's consent; null if nothing waits. */
export const consent = signal(/** @type {ModelEntry | null} */ (null));
/** The model that answers, with the text of every token id. */
export const model = signal(/** @type {LoadedModel | null} */ (null));
/** Whether its worker, or Python's, has died and is being started again. */
export const restarting = signal(false);

/** The run that Python knew before it died: it stays shown, but nothing more can be asked about it. */
export const forgotten = signal(/** @type {number | null} */ (null));

/** The text in the box: what the visitor typed or asked for. */
export const text = signal('');
/** Counts the changes that were typed. */
export const typed = signal(0);

/** The run that is shown, and the id of the one under way. */
export const run = signal(/** @type {RunState | null} */ (null));
export const underWay = signal(/** @type {number | null} */ (null));

/** Index of a token to pin once the run has reached it: of the address, or pinned before a reload; null if there is none. */
export const tokenToPin = signal(/** @type {number | null} */ (null));

/** error, else running while a run is under way, else booting while something loads, else ready. */
export const phase = computed(() => {
  if (failure.value !== null) return 'error';
  if (underWay.value !== null) return 'running';
  const { model: loadingModel, python } = loading.value;
  return loadingModel || python || !model.value || restarting.value ? 'booting' : 'ready';
});

/** Whether a run can be started now. */
export const canRun = computed(() => model.value !== null && !restarting.value && failure.value === null);

/**
 * What is chosen in a run: the token pointed at, the pinned one, and tokens selected together (`to` is not one of them).
 * @typedef {{ hovered: number | null, pinned: number | null, span: { from: number, to: number } | null }} Choice
 */
const NOTHING = /** @type {Choice} */ ({ hovered: null, pinned: null, span: null });
export const selection = signal(/** @type {{ run: number | null } & Choice} */ ({ run: null, ...NOTHING }));
const chosen = computed(() => (selection.value.run === (run.value?.id ?? null) ? selection.value : NOTHING));
export const hovered = computed(() => chosen.value.hovered);
export const pinned = computed(() => chosen.value.pinned);
export const span = computed(() => chosen.value.span);

/** The colours of the shown run: those of the chosen colouring. */
export const colours = computed(() => {
  const shown = run.value;
  if (!shown?.stored) return shown?.colours ?? null;
  return shown.stored.colours[settings.value.colouring] ?? Object.values(shown.stored.colours)[0] ?? null;
});

/** Tokens whose numbers have come, and the token the layers lens shows: the pinned one, else the newest. */
export const count = computed(() => run.value?.count ?? 0);
export const current = computed(() => (count.value ? Math.min(pinned.value ?? count.value - 1, count.value - 1) : null));

/** The colourings to choose from, the default first, and palettes by name; empty until Python can answer. */
export const colourings = signal(/** @type {Colouring[]} */ ([]));
export const palettes = signal(/** @type {Record<string, Palette> | null} */ (null));

/** The visitor's settings, kept between visits (preferences.js). */
export const settings = signal({
  topK: 10, // alternatives the inspector lists
  colouring: 'hue',
  theme: /** @type {'system' | 'light' | 'dark'} */ ('system'),
  units: /** @type {'bits' | 'nats'} */ ('bits'), // of surprisal and entropy
  whitespace: false, // whether spaces and line ends are marked
  device: /** @type {'wasm' | 'webgpu'} */ ('wasm'), // what runs the model
  live: false, // whether the text is read again while it is typed
  sampling: { ...SAMPLING, stop: '' }, // `stop`: one sequence a line, \n for a newline
});

/**
 * Whether the page itself is stored for offline use; `newer` is a release that waits for the visitor's click.
 * @typedef {{ state: 'unknown' | 'unsupported' | 'storing' | 'stored' | 'failed', newer: string | null, bytes: number }} Offline
 */
export const offline = signal(/** @type {Offline} */ ({ state: 'unknown', newer: null, bytes: 0 }));

/** Whether the visitor had everything removed: nothing is written to this browser any more until the next visit. */
export const removed = signal(false);

/** By model id: bytes of it that are stored in this browser, of how many. */
export const stored = signal(/** @type {Map<string, { bytes: number, total: number }>} */ (new Map()));
