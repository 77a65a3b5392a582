// Interventions: heads off by name, links cut between tokens of the text, and what they changed against the untouched reading; main thread.

import { fixed } from '../../frame/format.js';
import { change, inUnit, unit, unitEnd } from '../../frame/units.js';
import { cutLinks, isChanged, scaleHeads, setInterventions } from '../../page/interventions.js';
import { say } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { firstPosition } from '../../shared/run_key.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { complete, nameOf, pickedHere } from '../attention/choice.js';
import { labelsOf } from '../attention/standouts.js';
import { panel } from '../panel.js';
import { ask } from '../scheduler.js';
import { fetch, ID, lacks } from './choice.js';
import { largestChart } from './tokens.js';

const scored = ask({ view: 'head_grid', needs: 'end', args: () => ({ shade: 'induction', token: null, ordered: false }), seen: () => state.lens.value === ID && state.hasLayers() });

/** The heads that a list names: "3.1, 4.2", or "5" for a whole layer. @param {string} text */
function headsIn(text) {
  const { layers = 0, heads: count = 0 } = state.model.value?.manifest ?? {};
  return text.split(/[\s,;]+/).filter(Boolean).flatMap((name) => {
    const [, layer, head] = /^(\d+)(?:\.(\d+))?$/.exec(name) ?? [];
    if (layer === undefined || Number(layer) >= layers || (head !== undefined && Number(head) >= count)) throw new RangeError(`“${name}” is not a head of this model. Write layer.head, such as 3.1, or a layer alone.`);
    return head === undefined ? Array.from({ length: count }, (_, i) => ({ layer: Number(layer), head: i })) : [{ layer: Number(layer), head: Number(head) }];
  });
}

/** @param {SubmitEvent} event */
function switchOff(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const others = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === 'others';
  try {
    const named = headsIn(String(new FormData(form).get('heads') ?? ''));
    if (!named.length) return;
    const { layers = 0, heads: count = 0 } = state.model.value?.manifest ?? {};
    const kept = new Set(named.map(({ layer, head }) => layer * count + head));
    const all = Array.from({ length: layers * count }, (_, i) => i).filter((i) => !kept.has(i)).map((i) => ({ layer: Math.floor(i / count), head: i % count }));
    scaleHeads(others ? all : named, 0);
    form.reset();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
  }
}

/** The model's induction heads, if it is the one that read the text. */
const inductionHeads = () => (state.isReadByModel.value ? labelsOf(complete(scored.answer.value)?.json ?? null).filter(({ name }) => name === 'induction') : []);

function tools() {
  const run = state.run.value;
  const { pinned, span } = state;
  const first = run ? firstPosition(run.conditions.prefix) : 1;
  const name = state.nameOfToken;
  const induction = inductionHeads();
  const query = pinned.value;
  const keys = span.value ? Array.from({ length: span.value.to - span.value.from }, (_, i) => Number(span.value?.from) + i) : [];
  const earlier = query === null ? keys : keys.filter((key) => key < query);
  const words = span.value && (keys.length > 1 ? `${name(keys[0])} … ${name(keys[keys.length - 1])}` : name(keys[0]));
  return html`
    <form class="why-tools" @submit=${switchOff}>
      <input type="text" name="heads" size="12" value=${pickedHere.value.map(nameOf).join(', ')} aria-label="Heads, as layer.head" placeholder="heads: 3.1, 4.2" autocomplete="off" spellcheck="false">
      <button type="submit" class="small">Switch off</button>
      <button type="submit" class="small" value="others">All but these off</button>
      ${induction.length ? html`<button type="button" class="small" title=${induction.map(nameOf).join(', ')} @click=${() => scaleHeads(induction, 0)}>Induction heads off (${induction.length})</button>` : nothing}
    </form>
    <p class="why-tools">${earlier.length
      ? html`${query === null ? nothing : html`<button type="button" class="small" @click=${() => cutLinks(query + first, earlier.map((key) => key + first))}>${name(query)} may not look at ${words}</button>`}
        <button type="button" class="small" @click=${() => cutLinks(null, keys.map((key) => key + first))}>No token may look at ${words}</button>`
      : html`<span class="hint">To cut links, select tokens in the text by dragging over them${query === null ? '' : ` before ${name(query)}`}.</span>`}
      ${isChanged() ? html`<button type="button" class="small" @click=${() => setInterventions({})}>Remove all</button>` : nothing}</p>`;
}

/** The mean log-probability beside the unchanged model's. @param {import('../../shared/protocol.js').Change} change */
function comparison({ mean, before, after }) {
  if (typeof mean !== 'number') return 'First token: no probability.';
  const size = fixed(inUnit(Math.abs(mean)));
  const than = Number(size) === 0 ? 'the same as' : `${size} ${mean < 0 ? 'lower' : 'higher'} than`;
  return html`Mean log-probability <strong>${fixed(inUnit(after))}</strong> ${unit()}, ${than} the unchanged model’s ${fixed(inUnit(before))}.`;
}

export const interventions = panel({
  id: 'change',
  view: 'change',
  needs: 'end',
  args: () => ({}),
  lacks,
  fetch,
  title: 'Interventions',
  lead: ({ json }) => {
    if (!isChanged()) return 'The model is unchanged. Switch heads off or cut links: the text is read again, and compared with this run.';
    if (json.missing) return 'Reading the text with the unchanged model…';
    return comparison(json);
  },
  charts: ({ json }) => (json.largest && !json.missing ? [largestChart(json.largest, 'most changed', `Δ ${unit()}`, change, unitEnd)] : []),
  tools,
});
