// The page's one state, as signals: written only by actions in page/, read by everything that draws; main thread.

import { computed, signal } from '../vendor/signals-core.js';
import { SAMPLING } from '../shared/options.js';
import { firstPosition } from '../shared/run_key.js';
import { labelOf, tokenName } from '../shared/token_text.js';

/** @import {Seen} from '../lessons/conditions.js' */
/** @import {Lesson} from '../lessons/schema.js' */
/** @import {Colouring, Colours, Interventions, LoadedModel, ModelEntry, Numbers, Palette, Progress, RunConditions, RunModel, Summary, TokenizedText, Words} from '../shared/protocol.js' */

/**
 * A run as the page sees it. Everything in it belongs to this run alone: the columns are its own copies, the vocabulary is
 * that of the model that read it. Columns are flat arrays with room for every token; the first `count` tokens are filled.
 * `reused` of them were known from the run before. Tokens from `given` on were generated. `source` is the text as it was asked
 * about, if one was: a tokenizer that normalises has another in `tokens`. `whyNoLayers`: why it has no attention and hidden states.
 * `stored` holds what was computed when the site was built (text/precomputed.js); `file`: the name of the file that it was opened from.
 * @typedef {{
 *   id: number, kind: 'read' | 'generate' | 'stored' | 'opened', model: RunModel & { vocabulary: (id: number) => string },
 *   conditions: RunConditions, tokens: TokenizedText, given: number, count: number, reused: number, done: boolean,
 *   columns: Record<string, { data: Numbers, width: number }>, words: Words | null,
 *   colours: Colours | null, summary: Summary | null, stored: StoredRun | null,
 *   literal: boolean, withPrefix: boolean, source: string | null, whyNoLayers: string | null, file: string | null
 * }} RunState
 * @typedef {{ colours: Record<string, Colours>, colourings: Colouring[], answers: Record<string, import('../shared/protocol.js').Answer<any, string>> }} StoredRun
 */

/** The ids of the lenses in order (lenses/index.js), and the open one. */
export const lenses = signal(/** @type {string[]} */ ([]));
export const lens = signal('');

/**
 * The open lesson (lessons/): its step, which steps are done, the text of each, the page when the step began, and the lesson as the
 * address holds it: its id, or all of it; null if it is too long.
 * @typedef {{ lesson: Lesson, step: number, done: boolean[], texts: string[], start: Seen, address: string | null }} OpenLesson
 */
export const lesson = signal(/** @type {OpenLesson | null} */ (null));

/** The message on the notice line; `error` if something failed, `retry` a model to load, by a button that says `button`. */
export const notice = signal(/** @type {{ text: string, error: boolean, retry?: string, button?: string } | null} */ (null));

/** What is being loaded; null for a part that is done. */
export const loading = signal(/** @type {{ model: Progress | null, python: Progress | null }} */ ({ model: null, python: null }));
/** Why no text can be read; null while one can, or while something is loading. */
export const failure = signal(/** @type {string | null} */ (null));

export const models = signal(/** @type {ModelEntry[]} */ ([]));
/** The model whose download awaits the visitor's consent. */
export const consent = signal(/** @type {ModelEntry | null} */ (null));
/** The current model, with the text of every token id. */
export const model = signal(/** @type {LoadedModel | null} */ (null));
/** Whether its worker, or Python's, has crashed and is being restarted. */
export const restarting = signal(false);

/** The run that was shown when Python crashed: it stays visible, but no views of it can be computed. */
export const forgotten = signal(/** @type {number | null} */ (null));

/** The text in the box. */
export const text = signal('');

/** The pinned reading, as it is named, with what was changed inside the model; Python keeps its numbers. */
export const pinnedReading = signal(/** @type {{ model: string, text: string, runId: number, changes: string } | null} */ (null));
/** Counts typed changes. */
export const typed = signal(0);

/** The run that is shown, and the id of the running one. */
export const run = signal(/** @type {RunState | null} */ (null));
export const underWay = signal(/** @type {number | null} */ (null));
/** Whether one is running; another model may be loading meanwhile. */
export const isRunning = computed(() => underWay.value !== null);
/** Whether another reading than the shown one is pinned, so that the two can be compared. */
export const isComparing = computed(() => pinnedReading.value !== null && pinnedReading.value.runId !== run.value?.id);

/** Whether the window is so narrow that a pinned token's inspector is a sheet over its lower half, as in text.css. */
export const SHEETS = matchMedia('(max-width: 899px) and (min-height: 481px)');
/** Whether the visitor closed that sheet: the token stays pinned; its numbers are then where a wide page has them. */
export const sheetClosed = signal(false);

/** What a token of the shown run is called; empty without a run. @param {number} token */
export const nameOfToken = (token) => (run.value ? tokenName(run.value.tokens, token) : '');

/** The same of a token of the vocabulary of the model that read it. @param {{ id: number, text: string }} token */
export function nameOfId({ id, text }) {
  const { manifest, parts } = model.value ?? {};
  const bytes = manifest && manifest.sha256 === run.value?.conditions.model ? parts?.get(id) : undefined;
  return bytes ? `bytes ${bytes}` : labelOf(text);
}

/** Whether the shown run is of the text in the box or, if that is longer than the context, of its beginning. */
export const isRead = computed(() => {
  if (!run.value) return false;
  const { tokens, source } = run.value;
  return tokens.text === text.value || source === text.value || (tokens.total > tokens.ids.length && text.value.startsWith(tokens.text));
});

/** Whether the shown run has attention and hidden states; a text read in windows has only likelihoods, for example. */
export const hasLayers = () => run.value?.whyNoLayers === null;

/** Whether a position comes before a token of a run, so that something predicts it. @param {RunState} run @param {number} token */
export const hasPrediction = (run, token) => token + firstPosition(run.conditions.prefix) > 0;

/** Whether the model that answers now is the one that read the shown run, so that it can be asked for more. */
export const isReadByModel = computed(() => run.value !== null && run.value.conditions.model === model.value?.manifest.sha256);

/** Index of a token to pin once the run has reached it: from the address, or pinned before a reload; null if there is none. */
export const tokenToPin = signal(/** @type {number | null} */ (null));

/** error, else booting while something loads, also during a run, else running while a run is under way, else ready. */
export const phase = computed(() => {
  if (failure.value !== null) return 'error';
  const { model: loadingModel, python } = loading.value;
  if (loadingModel || python || !model.value || restarting.value) return 'booting';
  return isRunning.value ? 'running' : 'ready';
});

/** Whether a run can be started now. */
export const canRun = computed(() => model.value !== null && !restarting.value && failure.value === null);

/**
 * The selection in a run: the token pointed at, the pinned one, and a range of tokens (`to` is exclusive).
 * @typedef {{ hovered: number | null, pinned: number | null, span: { from: number, to: number } | null }} Choice
 */
const NOTHING = /** @type {Choice} */ ({ hovered: null, pinned: null, span: null });
export const selection = signal(/** @type {{ run: number | null } & Choice} */ ({ run: null, ...NOTHING }));
const chosen = computed(() => (selection.value.run === (run.value?.id ?? null) ? selection.value : NOTHING));
export const hovered = computed(() => chosen.value.hovered);
export const pinned = computed(() => chosen.value.pinned);
export const span = computed(() => chosen.value.span);

/** The shown run's colours in the chosen colouring. */
export const colours = computed(() => {
  const shown = run.value;
  if (!shown?.stored) return shown?.colours ?? null;
  const { colours: each } = shown.stored;
  const { colouring } = settings.value;
  return (Object.hasOwn(each, colouring) ? each[colouring] : Object.values(each)[0]) ?? null;
});

/**
 * The user's own metrics, registered by code in the Python lens, with the colours they give the run that has this id: they
 * are of that run alone. `error`: why there are none.
 * @typedef {{ name: string, title: string, description: string, colours: Colours | null, error: string | null }} OwnMetric
 */
export const ownMetrics = signal({ runId: /** @type {number | null} */ (null), metrics: /** @type {OwnMetric[]} */ ([]) });

/** The name of the one that was chosen to colour the text; null: one of the page's colourings. */
export const ownColouring = signal(/** @type {string | null} */ (null));

/** Those that the shown run can be coloured by. */
export const ownColourings = computed(() => {
  const { runId, metrics } = ownMetrics.value;
  return runId !== null && run.value?.id === runId && !settings.value.words ? metrics.filter((metric) => metric.colours) : [];
});

/** The colours of the text, unless a lens shades it: by the user's own metric, or in the chosen colouring. */
export const textColours = computed(() => ownColourings.value.find(({ name }) => name === ownColouring.value)?.colours ?? colours.value);

/** What each lens colours the text by, in place of the chosen colouring. @typedef {Colours & { title: string }} Shading */
export const shadings = signal(/** @type {Record<string, Shading | null>} */ ({}));

/** What the open lens colours the text by; null: nothing. */
export const shading = computed(() => shadings.value[lens.value] ?? null);

/** What is changed inside the model, in every run until it is removed; {}: nothing. */
export const interventions = signal(/** @type {Interventions} */ ({}));

/**
 * The word that a token of the shown run is part of, if words are chosen and it is known: its place in `words`, its first token,
 * and the one after its last.
 * @param {number | null} token
 */
export function wordAt(token) {
  const found = settings.value.words && token !== null ? run.value?.words?.words.data : null;
  if (!found || token === null) return null;
  let [low, high] = [0, found.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (found[2 * middle + 1] <= token) low = middle + 1;
    else high = middle;
  }
  return 2 * low < found.length ? { index: low, first: found[2 * low], stop: found[2 * low + 1] } : null;
}

/** The number of tokens read so far, and the token that the lenses show: the pinned one, else the newest; null if the box is empty. */
export const count = computed(() => run.value?.count ?? 0);
export const current = computed(() => (count.value && text.value ? Math.min(pinned.value ?? count.value - 1, count.value - 1) : null));

/** The colourings to choose from, the default first, and palettes by name; empty until Python can answer. */
export const colourings = signal(/** @type {Colouring[]} */ ([]));
export const palettes = signal(/** @type {Record<string, Palette> | null} */ (null));

/** A palette that a view names: Python has answered, so it is there. @param {string} name */
export const paletteOf = (name) => /** @type {Record<string, Palette>} */ (palettes.value)[name];

/** The version of Tokenlight, as saved files name it; null until Python can answer. */
export const madeBy = signal(/** @type {string | null} */ (null));

/** The visitor's settings, kept between visits (preferences.js). */
export const settings = signal({
  topK: 10, // alternatives the inspector lists
  colouring: 'hue',
  words: false, // whether whole words are coloured and inspected
  theme: /** @type {'system' | 'light' | 'dark'} */ ('system'),
  units: /** @type {'bits' | 'nats'} */ ('bits'), // of surprisal and entropy
  whitespace: false, // whether spaces and line ends are marked
  device: /** @type {'wasm' | 'webgpu'} */ ('wasm'), // what runs the model, if its trial allows it
  keepProcessor: false, // whether the user has answered that it should stay the processor
  live: true, // whether the text is read while the user types, if that takes less than a second
  face: /** @type {'auto' | 'prose' | 'code'} */ ('auto'), // of the text: proportional, monospaced, or what it looks like
  introduced: false, // whether the first visit's line has been read
  sampling: { ...SAMPLING, stop: '' }, // `stop`: one sequence a line, \n for a newline
});

/**
 * What is known about the graphics card: its name, null if the browser offers none; its trial with the current model, whether one is
 * under way, and why none is begun unasked (page/device_trial.js). `looked`: whether the browser has been asked.
 * @typedef {{ looked: boolean, adapter: string | null, trial: import('./graphics.js').Trial | null, testing: boolean, why: string | null }} Graphics
 */
export const graphics = signal(/** @type {Graphics} */ ({ looked: false, adapter: null, trial: null, testing: false, why: null }));

/**
 * Whether the page itself is stored for offline use; `newer` is a release that the visitor can switch to; `models`: whether
 * a reload gets other models.
 * @typedef {{ state: 'unknown' | 'unsupported' | 'storing' | 'stored' | 'failed', newer: string | null, bytes: number, models: boolean }} Offline
 */
export const offline = signal(/** @type {Offline} */ ({ state: 'unknown', newer: null, bytes: 0, models: false }));

/** Whether the browser has promised to keep what is stored until the visitor deletes it; null: not known. */
export const persistent = signal(/** @type {boolean | null} */ (null));

/** Whether the browser kept the text for a reload, and code of the Python lens, when it was last asked to. */
export const keeps = signal({ text: true, code: true });

/** Whether the visitor has removed all stored data: nothing is stored until the next visit. */
export const removed = signal(false);

/** By model id: how many of its bytes are stored in this browser, and how many it has. */
export const stored = signal(/** @type {Map<string, { bytes: number, total: number }>} */ (new Map()));
