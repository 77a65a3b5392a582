// All heads at a glance: a small picture of each pattern, shaded by what the head is or does here; main thread.

import { short } from '../../charts/numbers.js';
import { headsScene } from '../../charts/heads.js';
import { percent } from '../../frame/format.js';
import { isChecked, valueOf } from '../../frame/mount.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { isSeen } from '../in_sight.js';
import { keyOf } from '../layers/rows.js';
import { panel } from '../panel.js';
import { ask } from '../scheduler.js';
import { complete, head, lackOf, nameOf, open, pick, picked, pointed, subject } from './choice.js';

/** @import {HeadGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Complete} from './choice.js' */

const ID = 'head_grid';
const shade = signal('induction');
const ordered = signal(false);
const NAMES = /** @type {Record<string, string>} */ ({ induction: 'induction', 'previous token': 'previous', 'duplicate token': 'duplicate' });

const thumbnails = ask({ view: 'thumbnails', needs: 'end', args: () => ({}), seen: () => isSeen(ID) && state.run.value?.conditions.stride === null, lacks: lackOf });

/** @param {Complete<Views['head_grid']['answer']>} answer @returns {ChartOf} */
function chart({ json, arrays }) {
  const { rows, columns, group, labels, stops, palette: name, shade: shaded } = json;
  const palettes = /** @type {any} */ (state.palettes.value);
  const pictures = complete(thumbnails.answer.value);
  const { order, values } = arrays;
  /** @type {string[]} */
  const names = [];
  for (const label of labels) names[label.layer * columns + label.head] ??= NAMES[label.name];
  const headOf = (/** @type {{ row: number, column: number }} */ { row, column }) => ({ layer: Math.floor(order.data[row * columns + column] / columns), head: order.data[row * columns + column] % columns });
  const written = shaded === 'distance' ? short : percent;
  const chosen = head.value;
  return {
    label: `${rows} layers by ${columns} heads, shaded by: ${json.title}`,
    scene: (width) => headsScene({
      rows, columns, group, order: order.data, inPlace: !ordered.value, names,
      patterns: pictures && { levels: /** @type {Int16Array} */ (pictures.arrays.levels.data), blocks: pictures.json.blocks, palette: palettes[pictures.json.palette] },
      shades: arrays.levels.data, palette: palettes[name], key: keyOf(stops, written, name === 'focus' ? ['focused', 'diffuse'] : undefined),
      opened: chosen ? chosen.layer * columns + chosen.head : null,
      picked: [...picked.value].map((each) => each.split('.').map(Number)).map(([layer, index]) => layer * columns + index),
    }, width),
    say: (point) => {
      const which = headOf(point);
      const value = values.data[which.layer * columns + which.head];
      const stands = labels.filter((label) => label.layer === which.layer && label.head === which.head).map((label) => `${label.reason} Score ${label.score.toFixed(2)}.`);
      return `Head ${nameOf(which)} · ${json.title}: ${Number.isNaN(value) ? '–' : written(value)}${stands.length ? ` · ${stands.join(' ')}` : ''}`;
    },
    point: (point) => (pointed.value = point && headOf(point)),
    pick: (point) => {
      pointed.value = null;
      open(headOf(point));
    },
  };
}

/** @param {HeadGrid | null} found */
const controls = (found) => html`<span class="attention-controls">
  <select class="quiet" aria-label="Shade heads by" @change=${(/** @type {Event} */ event) => (shade.value = valueOf(event))}>${(found?.options ?? []).map(({ id, title }) => html`<option value=${id} .selected=${id === shade.value}>${title}</option>`)}</select>
  <label class="check"><input type="checkbox" .checked=${ordered.value} @change=${(/** @type {Event} */ event) => (ordered.value = isChecked(event))}>In order</label></span>`;

/** Picks the open head, so that several can be combined. */
function picking() {
  const which = head.value;
  if (!which) return nothing;
  const isPicked = picked.value.has(nameOf(which));
  const all = [...picked.value].join(', ');
  return html`<p class="hint"><button type="button" class="quiet" aria-pressed=${isPicked} @click=${() => pick(which)}>${isPicked ? 'Unpick' : 'Pick'} head ${nameOf(which)}</button> ${all ? `Picked, and combined over the text: ${all}` : 'Pick several heads to combine them over the text.'}</p>`;
}

/** The heads that stand out, each opened by pressing it. @param {HeadGrid} found */
const standing = ({ labels }) => (labels.length ? html`<dl class="peaks">${Object.keys(NAMES).map((kind) => {
  const mine = labels.filter(({ name }) => name === kind);
  return mine.length ? html`<div><dt title=${mine[0].reason}>${kind}</dt><dd>${mine.slice(0, 12).map((each) => html`<button type="button" class="peak small" title="Score ${each.score.toFixed(2)}: open" @click=${() => open(each)}>${nameOf(each)}</button> `)}</dd></div>` : nothing;
})}</dl>` : nothing);

export const grid = panel({
  id: ID,
  view: 'head_grid',
  needs: 'end',
  args: () => ({ shade: shade.value, token: shade.value === 'received' ? subject.value : null, ordered: ordered.value }),
  lacks: lackOf,
  title: 'All heads',
  resting: 'Layers down, heads across. Point at a head to shade the text by it, press it to open it.',
  controls: (answer) => controls(complete(answer)?.json ?? null),
  charts: (answer) => {
    const made = complete(answer);
    return made ? [chart(made)] : [];
  },
  below: (answer) => {
    const made = complete(answer);
    return html`${picking()}${made ? standing(made.json) : nothing}`;
  },
  prose: {
    caption: 'Every head’s pattern on this text, framed in the colour of a number you choose.',
    how: 'A picture has a row for each query and a column for each key, reduced to blocks by the largest weight in each, on a logarithmic scale from 1% to 100%. The scores of the model were measured when it was built, on random tokens repeated once; heads above 0.4 are named. The other numbers are of this text: means over its tokens, entropies divided by their largest possible value, what later tokens give the chosen token on average.',
    formula: 'induction = mean attention from each token of the second copy to the token after its first occurrence',
    source: 'head_grid.thumbnails, head_grid.head_grid, survey.Survey, heads.pattern_mass',
  },
});
