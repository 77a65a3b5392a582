// Shows a run that was computed when the site was built, until the model can read the text itself; main thread.

import { offer, openText, put } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { conditionsOf, runModelOf } from '../shared/run_key.js';
import { batch } from '../vendor/signals-core.js';
import { examples } from './examples.js';
import { fetchExample, first, PATIENCE } from './first.js';

/** @import {Manifest} from '../shared/protocol.js' */
/** @import {RunState} from '../page/state.js' */
/** @import {Example, Preview} from './first.js' */

const VERSION = 2; // as in pyscripts/page/preview.py; the model may have been built with another
const INTEGERS = new Set(['rank', 'top_ids']);

/** The model whose finished examples are shown, and the name of each one's file, by the example's id. */
let model = /** @type {Manifest | null} */ (null);
/** @type {Map<string, string>} */
const files = new Map();

/** Shows the first example of the model that will be loaded, and offers its text; resolves when it is there, or late. */
export async function showFirst() {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  void late.then(() => watch('first example', () => void (examples.value[0] && offer(examples.value[0].text))));
  await Promise.race([late, first.then((found) => {
    if (!found) return;
    model = found.manifest;
    for (const { id, name } of model.examples ?? []) files.set(id, name);
    if (['', examples.value[0]?.text].includes(state.text.value)) show(found.run, offer);
  })]);
}

/** Opens an example: its finished run if no model can read it yet. @param {import('./examples.js').Example} example */
export async function openExample({ id, text }) {
  const name = files.get(id);
  const run = !state.canRun.value && model && name ? await fetchExample(model, name).catch(() => null) : null;
  if (!run || !show(run, put)) openText(text);
}

/**
 * Whether a stored run could be shown: not once the model can read, or has read.
 * @param {Example | null} run @param {(text: string) => void} into how its text gets into the box
 */
function show(run, into) {
  const { schema, page } = run ?? {};
  if (!schema?.startsWith('tokenlight.run/') || !page || !model || state.canRun.value || state.run.value?.stored === null) return false;
  const shown = storedRun(page, model);
  const box = state.text.value;
  batch(() => {
    into(shown.tokens.text);
    if (state.text.value === shown.tokens.text || box === shown.tokens.text) {
      state.run.value = shown;
      state.selection.value = { run: shown.id, hovered: null, pinned: null, span: null };
    }
  });
  return true;
}

/** @param {Preview} page @param {Manifest} manifest @returns {RunState} */
function storedRun(page, manifest) {
  const numbers = (/** @type {(number | null)[]} */ values) => Float64Array.from(values, (value) => value ?? NaN);
  /** @type {RunState['columns']} */
  const columns = {};
  for (const [name, values] of Object.entries(page.columns)) {
    const data = INTEGERS.has(name) ? Int32Array.from(/** @type {number[]} */ (values)) : numbers(values);
    columns[name] = { data, width: name.startsWith('top_') ? page.top_k : 1 };
  }
  const count = page.tokens.ids.length;
  const { highest_nats, ...lines } = page.strip;
  const arrays = Object.fromEntries(Object.entries(lines).map(([name, values]) => [name, { data: numbers(values), shape: [count] }]));
  return {
    id: -1,
    kind: 'stored',
    words: null,
    model: { ...runModelOf(manifest), vocabulary: (id) => page.vocabulary[id] ?? '' },
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
    withPrefix: true,
    source: null,
    whyNoLayers: null,
    file: null,
    stored: {
      colours: page.colours,
      colourings: page.colourings,
      answers: {
        strip: { json: { highest_nats }, arrays },
        ...(page.version === VERSION ? { findings: { json: page.findings, arrays: {} } } : {}),
      },
    },
  };
}
