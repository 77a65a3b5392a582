// Shows a run that was computed when the site was built, until the model can read the text itself; main thread.

import { offer, openText, put } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { fetchIndex, fetchManifest, MODELS } from '../shared/manifest.js';
import { conditionsOf } from '../shared/run_key.js';
import { batch } from '../vendor/signals-core.js';
import { examples } from './examples.js';

/** @import {Manifest} from '../shared/protocol.js' */
/** @import {RunState} from '../page/state.js' */

const INTEGERS = new Set(['rank', 'top_ids']);
const PATIENCE = 400; // ms after which the first example is offered without its numbers

/** The model whose finished examples are shown, and where each is, by the example's id. */
let model = /** @type {Manifest | null} */ (null);
/** @type {Map<string, URL>} */
const addresses = new Map();

/** Shows the first example of the model that will be loaded, and offers its text. @param {string | null} modelId the requested one */
export async function showFirst(modelId) {
  setTimeout(() => watch('first example', () => void (examples.value[0] && offer(examples.value[0].text))), PATIENCE);
  try {
    const models = await fetchIndex(MODELS);
    const entry = models.find(({ id }) => id === modelId) ?? models[0];
    if (!entry) return;
    model = await fetchManifest(MODELS, entry.id);
    for (const { id, name } of model.examples ?? []) addresses.set(id, new URL(`${model.id}/${name}`, MODELS));
    const [first] = model.examples ?? [];
    if (first && ['', examples.value[0]?.text].includes(state.text.value)) await show(addresses.get(first.id), offer);
  } catch {
    // the page then begins with a text that has not been read yet
  }
}

/** Opens an example: its finished run if no model can read it yet. @param {import('./examples.js').Example} example */
export async function openExample({ id, text }) {
  if (state.canRun.value || !addresses.has(id)) openText(text);
  else await show(addresses.get(id), put).catch(() => put(text));
}

/** @param {URL | undefined} address @param {(text: string) => void} into how its text gets into the box */
async function show(address, into) {
  if (!address) return;
  const response = await fetch(address);
  const { schema, page } = response.ok ? await response.json() : {};
  if (!schema?.startsWith('tokenlight.run/') || !page || !model || state.canRun.value || state.run.value?.stored === null) return;
  const run = storedRun(page, model);
  const box = state.text.value;
  batch(() => {
    into(run.tokens.text);
    if (state.text.value === run.tokens.text || box === run.tokens.text) {
      state.run.value = run;
      state.selection.value = { run: run.id, hovered: null, pinned: null, span: null };
    }
  });
}

/** @param {any} page see pyscripts/page/preview.py @param {Manifest} manifest @returns {RunState} */
function storedRun(page, manifest) {
  const numbers = (/** @type {(number | null)[]} */ values) => Float64Array.from(values, (value) => value ?? NaN);
  /** @type {RunState['columns']} */
  const columns = {};
  for (const [name, values] of Object.entries(page.columns)) {
    const data = INTEGERS.has(name) ? Int32Array.from(/** @type {number[]} */ (values)) : numbers(/** @type {number[]} */ (values));
    columns[name] = { data, width: name.startsWith('top_') ? page.top_k : 1 };
  }
  const count = page.tokens.ids.length;
  const { highest_nats, ...lines } = page.strip;
  const arrays = Object.fromEntries(Object.entries(lines).map(([name, values]) => [name, { data: numbers(/** @type {any} */ (values)), shape: [count] }]));
  return {
    id: -1,
    kind: 'stored',
    words: null,
    model: { id: manifest.id, name: manifest.name, layers: manifest.layers, lens: false, vocabulary: (id) => page.vocabulary[id] ?? '' },
    conditions: conditionsOf(manifest),
    tokens: { hex: [], control: [], ...page.tokens },
    given: count,
    count,
    reused: 0,
    done: true,
    columns,
    colours: null,
    summary: page.summary,
    literal: false,
    source: null,
    stored: {
      colours: page.colours,
      colourings: page.colourings,
      answers: { strip: { json: { highest_nats }, arrays }, findings: { json: page.findings, arrays: {} } },
    },
  };
}
