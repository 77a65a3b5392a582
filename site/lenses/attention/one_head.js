// One head: its matrix with sums, to zoom into, its strongest links as arcs, and the heads with similar patterns; main thread.

import { arcsScene } from '../../charts/arcs.js';
import { measure } from '../../charts/canvas.js';
import { matrixScene, within, zoomed } from '../../charts/matrix.js';
import { keyOf } from '../../charts/rows.js';
import { countOf, fixed, percent, shareEnd, short } from '../../frame/format.js';
import { COARSE, POINT } from '../../frame/pointer.js';
import * as state from '../../page/state.js';
import { isRightToLeft, labelOf, shownTexts } from '../../shared/token_text.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { checkView, menuView } from '../controls.js';
import { isSeen } from '../in_sight.js';
import { panel } from '../panel.js';
import { ask } from '../scheduler.js';
import { complete, head, missingAttention, nameOf, noWeight, open, sinkHidden } from './choice.js';
import { switchView } from './switch_off.js';

/** @import {Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Part} from '../../charts/matrix.js' */
/** @import {Complete} from './choice.js' */

const ID = 'head';
const MASSES = [1, 0.95, 0.9, 0.8, 0.5];
const log = signal(false);
const mass = signal(1);
/** The position whose links alone are drawn; null: all. */
const linked = signal(/** @type {number | null} */ (null));

/** The part that was zoomed into, and the run whose matrix it is of; null: the whole matrix. */
const zoomedInto = signal(/** @type {{ run: number, part: Part } | null} */ (null));
const partOf = computed(() => (zoomedInto.value?.run === state.run.value?.id ? (zoomedInto.value?.part ?? null) : null));

/** @param {Complete<Views['head']['answer']>} answer @returns {ChartOf[]} */
function charts({ json, arrays }) {
  const { size, stops, palette: name, layer, head: index } = json;
  const palette = state.paletteOf(name);
  const names = json.names.map(labelOf); // [position]
  const part = partOf.value && partOf.value.span <= size ? within(partOf.value, size) : { row: 0, column: 0, span: size };
  const set = (/** @type {Part} */ next) => (zoomedInto.value = next.span < size ? { run: state.run.value?.id ?? -1, part: next } : null);
  const at = (/** @type {number} */ position) => `${names[position]} (${position})`;
  const { values, row_sums: rowSums, column_sums: columnSums, links, link_weights: weights, link_levels: levels } = arrays;
  /** @type {ChartOf} */
  const matrix = {
    label: `Attention of head ${layer}.${index}: ${size} queries by ${size} keys`,
    scene: (width) => matrixScene({
      size, levels: arrays.levels.data, palette, names, part, rowSums: rowSums.data, columnSums: columnSums.data, key: keyOf(stops, shareEnd),
    }, width),
    say: ({ area, row, column }) => {
      const [query, key] = [part.row + row, part.column + column];
      if (area === 1) return `${at(query)} · sum of the row ${percent(rowSums.data[query])}`;
      if (area === 2) return `${at(key)} · sum of the column ${short(columnSums.data[key])}: what it gets from all tokens`;
      const value = values.data[query * size + key];
      return `${at(query)} looks at ${at(key)}: ${Number.isNaN(value) ? noWeight(query, key) : percent(value)}`;
    },
    zoom: {
      by: (factor, point) => set(zoomed(part, size, factor, point && point.area === 0 ? point : null)),
      move: (rows, columns) =>
        set(within({ ...part, row: part.row + shift(rows * part.span), column: part.column + shift(columns * part.span) }, size)),
      whole: () => (zoomedInto.value = null),
      isWhole: () => part.span === size,
    },
  };
  const run = state.run.value;
  const shown = run ? shownTexts(run.tokens).slice(0, run.count) : [];
  const texts = [...Array.from({ length: size - shown.length }, () => ''), ...shown]; // [position] the prefix token is not in the text
  /** @type {ChartOf} */
  const arcs = {
    label: `The text with the ${countOf(weights.data.length, 'strongest link')} of head ${layer}.${index}`,
    scene: (width) => arcsScene({
      texts, links: links.data, levels: levels.data, palette, rtl: isRightToLeft(run?.tokens.text ?? ''), chosen: linked.value,
    }, width, measure),
    say: ({ area: position }) => {
      const all = Array.from(weights.data, (weight, i) => ({ weight, query: links.data[2 * i], key: links.data[2 * i + 1] }));
      const own = all.filter(({ query, key }) => query === position || key === position);
      if (!own.length) return `${at(position)}: none of the strongest links`;
      return own.slice(0, 3).map(({ weight, query, key }) => `${at(query)} looks at ${at(key)}: ${percent(weight)}`).join(' · ');
    },
    point: (point) => (linked.value = point && point.area),
    resting: `The strongest links. ${POINT} a token for its own.`,
  };
  return [matrix, arcs];
}

/** Whole positions to move by, at least one unless it is zero. @param {number} by */
const shift = (by) => Math.sign(by) * Math.ceil(Math.abs(by) - 1e-6);

function controls() {
  const manifest = state.model.value?.manifest;
  const chosen = head.value;
  if (!manifest || !chosen) return nothing;
  const choose = (/** @type {string} */ label, /** @type {number} */ count, /** @type {number} */ value, /** @type {(value: number) => void} */ set) =>
    html`<label class="check">${label} ${menuView(label, Array.from({ length: count }, (_, i) => [i, String(i)]), value, (each) => set(Number(each)))}</label>`;
  const shares = MASSES.map((share) => /** @type {[number, string]} */ ([share, share === 1 ? 'All weights' : `Top ${100 * share}% of the mass`]));
  return html`<span class="attention-controls">
    ${choose('Layer', manifest.layers, chosen.layer, (layer) => open({ ...chosen, layer }))}
    ${choose('Head', manifest.heads, chosen.head, (index) => open({ ...chosen, head: index }))}
    ${switchView([chosen], `head ${nameOf(chosen)}`)}
    ${checkView('Log scale', log)}
    ${checkView('Hide the sink', sinkHidden)}
    ${menuView('Weights shown', shares, mass.value, (share) => (mass.value = Number(share)), 'The fewest weights of each row that sum to this share')}
    <button type="button" class="small" ?disabled=${!partOf.value} @click=${() => (zoomedInto.value = null)}>Whole matrix</button>
  </span>`;
}

function similarHeads() {
  const answer = complete(similar.answer.value)?.json;
  const button = (/** @type {{ layer: number, head: number, correlation: number }} */ each) =>
    html`<button type="button" class="peak small" title="Correlation ${fixed(each.correlation, 3)}: open" @click=${() => open(each)}>${nameOf(each)} <span class="hint">${fixed(each.correlation)}</span></button> `;
  return html`<p class="hint similar">Similar heads on this text${answer?.reduced ? ' (from reduced patterns)' : ''}: ${answer ? answer.heads.map(button) : '…'}</p>`;
}

export const oneHead = panel({
  id: ID,
  view: 'head',
  needs: 'end',
  args: () => head.value && { ...head.value, sink: !sinkHidden.value, mass: mass.value, log: log.value },
  lacks: missingAttention,
  title: 'One head',
  resting: `Rows look at columns. ${COARSE ? 'Pinch to zoom; “Whole matrix” shows all again.' : 'Press the matrix, then zoom by wheel, pinch, + or −; drag to move; 0 shows all. Arrow keys move the crosshair.'}`,
  lead: (answer) => {
    const full = complete(answer);
    return full ? html`<strong>Head ${nameOf(full.json)}</strong> on ${countOf(full.json.size, 'position')}.` : 'Reading the text again for this layer…';
  },
  controls,
  charts: (answer) => {
    const full = complete(answer);
    return full ? charts(full) : [];
  },
  below: similarHeads,
});

// Asked for after the head itself, which is what the visitor waits for.
const similar = ask({
  view: 'similar_heads', needs: 'end', lacks: missingAttention,
  args: () => head.value && { layer: head.value.layer, head: head.value.head },
  seen: () => isSeen(ID) && state.hasLayers(),
});
