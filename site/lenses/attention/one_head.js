// One head: its matrix with sums, to zoom into, the strongest links as arcs, and the heads whose patterns resemble it; main thread.

import { arcsScene } from '../../charts/arcs.js';
import { matrixScene, within, zoomed } from '../../charts/matrix.js';
import { short } from '../../charts/numbers.js';
import { percent } from '../../frame/format.js';
import { isChecked, valueOf } from '../../frame/mount.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { isSeen } from '../in_sight.js';
import { keyOf } from '../layers/rows.js';
import { panel } from '../panel.js';
import { ask } from '../scheduler.js';
import { complete, head, lackOf, nameOf, open, sinkHidden } from './choice.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Part} from '../../charts/matrix.js' */
/** @import {Complete} from './choice.js' */

const ID = 'head';
const MASSES = [1, 0.95, 0.9, 0.8, 0.5];
const log = signal(false);
const mass = signal(1);

/** The part that was zoomed into, of which run; the whole matrix otherwise. */
const zoomedInto = signal(/** @type {{ run: number, part: Part } | null} */ (null));
const partOf = computed(() => (zoomedInto.value?.run === state.run.value?.id ? (zoomedInto.value?.part ?? null) : null));

const similar = ask({
  view: 'similar_heads', needs: 'end', lacks: lackOf,
  args: () => head.value && { layer: head.value.layer, head: head.value.head },
  seen: () => isSeen(ID) && state.run.value?.conditions.stride === null,
});

/** @param {Complete<Views['head']['answer']>} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  const { size, stops, palette: name, layer, head: index } = json;
  const palette = /** @type {any} */ (state.palettes.value)[name];
  const names = json.names.map((each) => visible(each) || '·');
  const part = partOf.value && partOf.value.span <= size ? within(partOf.value, size) : { row: 0, column: 0, span: size };
  const set = (/** @type {Part} */ next) => (zoomedInto.value = { run: state.run.value?.id ?? -1, part: next });
  const at = (/** @type {number} */ position) => `${names[position]} (${position})`;
  const { values, row_sums: rowSums, column_sums: columnSums, links, link_weights: weights, link_levels: levels } = arrays;
  /** @type {ChartOf} */
  const matrix = {
    label: `Attention of head ${layer}.${index}: ${size} queries by ${size} keys`,
    scene: (width) => matrixScene({ size, levels: arrays.levels.data, palette, names, part, rowSums: rowSums.data, columnSums: columnSums.data, key: keyOf(stops, percent) }, width),
    say: ({ area, row, column }) => {
      const [query, key] = [part.row + row, part.column + column];
      if (area === 1) return `${at(query)} · sum of the row ${percent(rowSums.data[query])}`;
      if (area === 2) return `${at(key)} · sum of the column ${short(columnSums.data[key])}: what all tokens give it`;
      const value = values.data[query * size + key];
      return `${at(query)} looks at ${at(key)}: ${Number.isNaN(value) ? (key > query ? 'it comes later' : 'not shown') : percent(value)}`;
    },
    zoom: {
      by: (factor, point) => set(zoomed(part, size, factor, point && point.area === 0 ? point : null)),
      move: (rows, columns) => set(within({ ...part, row: part.row + shift(rows * part.span), column: part.column + shift(columns * part.span) }, size)),
      whole: () => (zoomedInto.value = null),
      isWhole: () => part.span === size,
    },
  };
  /** @type {ChartOf} */
  const arcs = {
    label: `The ${weights.data.length} strongest links of head ${layer}.${index}`,
    scene: (width) => arcsScene({ names, links: links.data, levels: levels.data, palette }, width),
    say: ({ column }) => {
      const mine = Array.from(weights.data, (weight, i) => ({ weight, query: links.data[2 * i], key: links.data[2 * i + 1] })).filter(({ query, key }) => query === column || key === column);
      return mine.length ? mine.slice(0, 3).map(({ weight, query, key }) => `${at(query)} looks at ${at(key)}: ${percent(weight)}`).join(' · ') : `${at(column)}: none of the strongest links`;
    },
  };
  return [matrix, arcs];
}

/** At least a position, if anything. @param {number} by */
const shift = (by) => Math.sign(by) * Math.ceil(Math.abs(by) - 1e-6);

function controls() {
  const manifest = state.model.value?.manifest;
  const chosen = head.value;
  if (!manifest || !chosen) return nothing;
  const choose = (/** @type {string} */ label, /** @type {number} */ count, /** @type {number} */ value, /** @type {(value: number) => void} */ set) =>
    html`<label class="check">${label} <select class="quiet" aria-label=${label} @change=${(/** @type {Event} */ event) => set(Number(valueOf(event)))}>${Array.from({ length: count }, (_, i) => html`<option value=${i} .selected=${i === value}>${i}</option>`)}</select></label>`;
  return html`<span class="attention-controls">
    ${choose('Layer', manifest.layers, chosen.layer, (layer) => open({ ...chosen, layer }))}
    ${choose('Head', manifest.heads, chosen.head, (index) => open({ ...chosen, head: index }))}
    <label class="check"><input type="checkbox" .checked=${log.value} @change=${(/** @type {Event} */ event) => (log.value = isChecked(event))}>Log scale</label>
    <label class="check"><input type="checkbox" .checked=${sinkHidden.value} @change=${(/** @type {Event} */ event) => (sinkHidden.value = isChecked(event))}>Hide the sink</label>
    <select class="quiet" aria-label="Weights shown" title="The fewest weights of each row that sum to this share" @change=${(/** @type {Event} */ event) => (mass.value = Number(valueOf(event)))}>${MASSES.map((share) => html`<option value=${share} .selected=${share === mass.value}>${share === 1 ? 'All weights' : `Top ${percent(share).replace('.0', '')} of the mass`}</option>`)}</select>
    <button type="button" class="small" ?disabled=${!partOf.value} @click=${() => (zoomedInto.value = null)}>Whole matrix</button>
  </span>`;
}

function resembling() {
  const found = complete(similar.answer.value)?.json;
  return html`<p class="hint similar">Similar on this text${found?.reduced ? ' (from reduced patterns)' : ''}: ${found ? found.heads.map((each) => html`<button type="button" class="peak small" title="Correlation ${each.correlation.toFixed(3)}: open" @click=${() => open(each)}>${nameOf(each)} <span class="hint">${each.correlation.toFixed(2)}</span></button> `) : '…'}</p>`;
}

export const oneHead = panel({
  id: ID,
  view: 'head',
  needs: 'end',
  args: () => head.value && { ...head.value, sink: !sinkHidden.value, mass: mass.value, log: log.value },
  lacks: lackOf,
  title: 'One head',
  resting: 'Rows look at columns. Press the matrix, then wheel or pinch, drag, + − 0 zoom; arrows move the crosshair.',
  lead: (answer) => {
    const made = complete(answer);
    return made ? html`<strong>Head ${made.json.layer}.${made.json.head}</strong> on ${made.json.size} positions.` : 'Reading the text again for this layer…';
  },
  controls,
  charts: (answer) => {
    const made = complete(answer);
    return made ? charts(made) : [];
  },
  below: resembling,
  prose: {
    caption: 'The attention of one head: each row is a token that looks, each column a token that is looked at.',
    how: 'Positions count the prefix token. In a text too long to keep every weight as it is, weights are kept at 16 bits, which changes them by at most 0.0008%. Where a pixel shows several weights, it has the colour of the largest. The bars at the right and below are sums of rows and columns, on an axis that ends at the largest sum but the first position’s. A share of the mass keeps the fewest weights of each row that sum to it. Arcs are the strongest links between two different tokens, without the first position. Similar: Pearson’s correlation of the weights over all pairs that can see each other, without the first position.',
    formula: 'A[query, key], Σ_key A = 1;  r = cov(A, B) / (σ_A · σ_B) over key ≤ query, key > 0',
    source: 'one_head.head, patterns.visible, patterns.strongest, one_head.similar_heads',
  },
});
