// Asks Python for what the panels show whenever the token, the text or a choice changes; newest wins; main thread.

import * as page from '../../actions.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { arrivals, generateOptions } from './actions.js';
import { current, found, inSight, options, palettes, quantity, shown, shownLayer, tables, transformerLab } from './state.js';

const PAUSE = 8; // while the model writes, Python rests this many times as long as the panels took it
const SETTLED = 150; // milliseconds without a step before anything is run again for a panel

/** Arguments of each panel's Python function. @param {string} panel @param {number} token @returns {Record<string, unknown>} */
export function argumentsOf(panel, token) {
  switch (panel) {
    case 'choice': return { token, count: 10, options: generateOptions() };
    case 'dimensions': return { token, layer: shownLayer.value };
    case 'layer_map': return { name: quantity.value };
    case 'transformer_lab': return { token, temperature: options.value.greedy ? 0 : options.value.temperature, topP: options.value.topP };
    case 'lens_layers': return { token, topK: 5 };
    case 'word_classes': return {};
    case 'speed': return { times: arrivals };
    default: return { token };
  }
}

/** The token's panels, and those of the whole text; the others need the model and are asked for when all is still. */
const OF_TOKEN = ['choice', 'layers', 'focus', 'dimensions'];
const OF_TEXT = ['layer_map', 'word_classes'];
const NEEDS_MODEL = /** @type {const} */ (['choice', 'transformer_lab', 'lens_layers']);

/** What should be shown: for each panel in sight what its answer depends on. Equal keys need no new answer. */
function wanted() {
  const run = state.run.value;
  const token = current.value;
  if (state.view.value !== 'activations' || !run || token === null) return null;
  /** @type {Record<string, string>} */
  const keys = { speed: `${run.runId} ${run.count} ${run.done}` };
  for (const name of OF_TOKEN) if (inSight.value.has(name)) keys[name] = `${run.runId} ${token} ${name === 'dimensions' ? shownLayer.value : ''}`;
  for (const name of OF_TEXT) if (inSight.value.has(name)) keys[name] = `${run.runId} ${run.count} ${name === 'layer_map' ? quantity.value : ''}`;
  return { run, token, keys };
}

let busy = false;
let again = false;
/** The keys of the answers there are. @type {Record<string, string>} */
let answered = {};
let timer = 0;
let turn = 0; // the newest wish for something that needs the model; older ones are dropped

/** Starts following. */
export function followState() {
  effect(() => {
    if (wanted()) void refresh();
  });
  effect(() => {
    const want = wanted();
    transformerLab.value;
    options.value;
    clearTimeout(timer);
    if (want?.run.done) whenStill();
  });
}

/** Asks for what needs the model once nothing has changed for a moment. */
function whenStill() {
  clearTimeout(timer);
  timer = setTimeout(() => void runAgain(++turn), SETTLED);
}

/** One question at a time; what changes meanwhile is asked for next. */
async function refresh() {
  again = true;
  if (busy) return;
  busy = true;
  while (again) {
    again = false;
    const want = wanted();
    if (!want) break;
    const before = performance.now();
    const ask = questions(want);
    if (!Object.keys(ask).length) break;
    await answer(want, ask);
    const writing = state.phase.value === 'running';
    await new Promise((resolve) => (writing ? setTimeout(resolve, Math.max(100, PAUSE * (performance.now() - before))) : requestAnimationFrame(resolve)));
  }
  busy = false;
}

/** @param {NonNullable<ReturnType<typeof wanted>>} want */
function questions({ token, keys }) {
  const names = Object.keys(keys).filter((name) => answered[name] !== keys[name]);
  return Object.fromEntries(names.map((name) => [name, argumentsOf(name, token)]));
}

/** @param {NonNullable<ReturnType<typeof wanted>>} want @param {Record<string, Record<string, unknown>>} ask */
async function answer({ run, token, keys }, ask) {
  try {
    palettes.value ??= await page.view('palettes');
    const panels = await page.view('panels', { wanted: ask });
    if (state.run.value?.runId !== run.runId) return;
    for (const name of Object.keys(ask)) answered[name] = keys[name];
    const keep = (/** @type {string} */ name) => (found.value[name]?.token === token && found.value[name].runId === run.runId ? found.value[name] : null);
    found.value = { ...found.value, lens_layers: keep('lens_layers'), transformer_lab: keep('transformer_lab'), ...panels };
    shown.value = { runId: run.runId, token };
    if (run.done) whenStill(); // what was run again for a panel may just have been replaced
    await refreshTables(token, Object.keys(ask));
  } catch (error) {
    if (state.run.value?.runId === run.runId && state.run.value.done) page.say(error instanceof Error ? error.message : String(error), true);
  }
}

/** @type {Promise<unknown>} */
let inspecting = Promise.resolve();

/**
 * A panel that reads one position's logits or lens, which must be run again first; one at a time, since Python holds one.
 * @param {string} name of the Python view @param {string} panel @param {number} token @param {Record<string, unknown>} args
 */
function inspected(name, panel, token, args) {
  const run = state.run.value;
  const nothingBefore = token === 0 && run?.columns.rank.data[0] === 0;
  const at = panel === 'lens_layers' ? token : token - 1;
  const turn = inspecting.then(async () => {
    if (NEEDS_MODEL.some((each) => each === panel) && run?.done && !(at < token && nothingBefore)) await page.inspect(at);
    return page.view(name, args);
  });
  inspecting = turn.catch(() => {});
  return turn;
}

/** Fills the panels in sight that need the model. @param {number} mine */
async function runAgain(mine) {
  const want = wanted();
  if (!want) return;
  const { run, token } = want;
  const stale = () => mine !== turn || state.run.value?.runId !== run.runId || current.value !== token;
  const { choice, lens_layers: lens } = found.value;
  const done = {
    choice: choice?.token === token && choice.generated && choice.sampled_probability !== null,
    transformer_lab: false, // its temperature may have changed
    lens_layers: !state.model.value?.manifest.inputs.lens || (lens?.token === token && lens.runId === run.runId),
  };
  const names = NEEDS_MODEL.filter((name) => inSight.value.has(name) && !done[name]);
  for (const name of names) {
    try {
      if (stale()) return;
      const answer = await inspected(name, name, token, argumentsOf(name, token));
      if (stale()) return;
      found.value = { ...found.value, [name]: { ...answer, runId: run.runId } };
      await refreshTables(token, [name]);
    } catch (error) {
      if (!stale() && state.phase.value === 'ready') page.say(error instanceof Error ? error.message : String(error), true);
    }
  }
}

/** Brings open tables up to date. @param {number} token @param {string[]} names */
async function refreshTables(token, names) {
  for (const panel of names) {
    if (!(panel in tables.value) || !found.value[panel]) continue;
    const table = await inspected('panel_table', panel, token, { panel, arguments: argumentsOf(panel, token) });
    if (panel in tables.value && current.value === token) tables.value = { ...tables.value, [panel]: table };
  }
}

/** @param {string} panel @param {boolean} open */
export async function openTable(panel, open) {
  const { [panel]: _, ...others } = tables.value;
  tables.value = open ? { ...others, [panel]: null } : others;
  if (open && current.value !== null) await refreshTables(current.value, [panel]);
}

/** The panel's table as CSV. @param {string} panel @returns {Promise<string>} */
export function csvOf(panel) {
  const token = current.value ?? 0;
  return inspected('panel_csv', panel, token, { panel, arguments: argumentsOf(panel, token) });
}
