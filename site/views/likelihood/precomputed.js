// Shows a run that was computed when the site was built, until the model can read the text itself; main thread.

import * as actions from '../../actions.js';
import { fetchIndex, fetchManifest, MODELS } from '../../inference/manifest.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { openText } from './edits.js';
import { examples } from './examples.js';
import { precomputed } from './state.js';

/** @type {Map<string, URL>} where the run of an example is, by the example's id */
const addresses = new Map();

const INTEGERS = new Set(['rank', 'top_ids']);

/**
 * Shows the first example of the model that will be loaded, unless the address brings a text of its own.
 * @param {{ model: string | null, text: string | null }} asked
 */
export async function showFirst(asked) {
  if (asked.text !== null) return; // it waits in the box until the person asks for it
  followModel();
  try {
    const models = await fetchIndex(MODELS);
    const model = models.find(({ id }) => id === asked.model) ?? models[0];
    const entries = (model && (await fetchManifest(MODELS, model.id)).examples) ?? [];
    for (const { id, name } of entries) addresses.set(id, new URL(`${model.id}/${name}`, MODELS));
    if (entries[0] && !state.run.value && !state.text.value) await show(addresses.get(entries[0].id));
  } catch {
    // then the page begins with a text that has not been read yet
  }
}

/** Opens an example: its finished run where no model can read it yet. @param {import('./examples.js').Example} example */
export async function openExample({ id, text }) {
  if (state.model.value || !addresses.has(id)) openText(text);
  else await show(addresses.get(id)).catch(() => actions.setText(text));
}

/** @param {URL | undefined} address */
async function show(address) {
  if (!address) return;
  const response = await fetch(address);
  if (!response.ok) return;
  const { schema, page } = await response.json();
  if (schema !== 'tokenlight.run/1' || !page || state.run.value) return;
  /** @type {import('../../state.js').RunState['columns']} */
  const columns = {};
  for (const [name, values] of Object.entries(page.columns)) {
    const numbers = /** @type {(number | null)[]} */ (values).map((value) => value ?? NaN);
    columns[name] = { data: INTEGERS.has(name) ? Int32Array.from(numbers) : Float32Array.from(numbers), width: name.startsWith('top_') ? page.top_k : 1 };
  }
  const count = page.tokens.ids.length;
  const run = { runId: -1, tokens: page.tokens, given: count, count, done: true, columns, colours: null, summary: page.summary };
  actions.pin(null);
  precomputed.value = { ...page, run };
  actions.setText(page.tokens.text);
}

/** Reads the first example as soon as a model can. */
function followModel() {
  let waits = true;
  effect(() => {
    if (!waits) return;
    const text = state.text.value;
    if (!text && examples.value[0]) setTimeout(() => state.text.value || actions.setText(examples.value[0].text), 400);
    if (state.run.value) waits = false;
    const wanted = text === (precomputed.value?.run.tokens.text ?? examples.value[0]?.text);
    if (!state.model.value || !text || !wanted || !waits) return;
    waits = false;
    const chosen = state.pinned.value;
    setTimeout(() => {
      const begun = state.run.value || state.phase.value !== 'ready'; // by the person or a script
      if (!begun) void actions.runText(() => chosen !== null && actions.pin(chosen));
    });
  });
}
