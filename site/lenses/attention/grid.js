// All heads at a glance: a small picture of each one's pattern, framed in the colour of a score or of what it does here; main thread.

import { headsScene } from '../../charts/heads.js';
import { keyOf } from '../../charts/rows.js';
import { fixed, percent, shareEnd, short } from '../../frame/format.js';
import { COARSE } from '../../frame/pointer.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { checkView, menuView } from '../controls.js';
import { isSeen } from '../in_sight.js';
import { panel } from '../panel.js';
import { ask } from '../scheduler.js';
import { complete, head, missingAttention, nameOf, open, pick, picked, pickedHere, pointed, subject } from './choice.js';
import { labelsOf } from './standouts.js';
import { switchView } from './switch_off.js';

/** @import {HeadGrid, Views} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {Complete} from './choice.js' */

const ID = 'head_grid';
const shade = signal('induction');
const ordered = signal(false);
/** What the chart calls the kinds of heads that Python names. */
const NAMES = /** @type {Record<string, string>} */ ({ induction: 'induction', 'previous token': 'previous', 'duplicate token': 'duplicate' });

const thumbnails = ask({ view: 'thumbnails', needs: 'end', args: () => ({}), seen: () => isSeen(ID) && state.hasLayers(), lacks: missingAttention });

/** @param {Complete<Views['head_grid']['answer']>} answer @returns {ChartOf} */
function chart({ json, arrays }) {
  const { rows, columns, group, labels, stops, palette: name, shade: shaded } = json;
  const pictures = complete(thumbnails.answer.value);
  const { order, values } = arrays;
  /** @type {string[]} */
  const names = []; // [layer · columns + head]
  for (const label of labels) names[label.layer * columns + label.head] ??= NAMES[label.name];
  const headOf = (/** @type {{ row: number, column: number }} */ { row, column }) => {
    const at = order.data[row * columns + column];
    return { layer: Math.floor(at / columns), head: at % columns };
  };
  const format = shaded === 'distance' ? short : percent;
  const chosen = head.value;
  return {
    label: `${pictures ? 'Patterns of ' : ''}${rows} layers by ${columns} heads, shaded by: ${json.title}`,
    scene: (width) => headsScene({
      rows, columns, group, order: order.data, inPlace: !ordered.value, names,
      patterns: pictures && {
        levels: /** @type {Int16Array} */ (pictures.arrays.levels.data), blocks: pictures.json.blocks, palette: state.paletteOf(pictures.json.palette),
      },
      shades: arrays.levels.data, palette: state.paletteOf(name), key: keyOf(stops, shaded === 'distance' ? short : shareEnd, name === 'focus' ? ['focused', 'diffuse'] : undefined),
      opened: chosen ? chosen.layer * columns + chosen.head : null,
      picked: pickedHere.value.map(({ layer, head: index }) => layer * columns + index),
    }, width),
    say: (point) => {
      const which = headOf(point);
      const value = values.data[which.layer * columns + which.head];
      const own = labels.filter((label) => label.layer === which.layer && label.head === which.head);
      const reasons = own.map((label) => `${label.reason} Score ${fixed(label.score)}.`);
      return `Head ${nameOf(which)} · ${json.title}: ${format(value)}${reasons.length ? ` · ${reasons.join(' ')}` : ''}`;
    },
    point: (point) => (pointed.value = point && headOf(point)),
    pick: (point) => {
      pointed.value = null;
      open(headOf(point));
    },
  };
}

/** @param {HeadGrid | null} heads */
const controls = (heads) => html`<span class="attention-controls">
  ${menuView('Shade heads by', (heads?.options ?? []).map(({ id, title }) => [id, title]), shade.value, (value) => (shade.value = value))}
  ${checkView('Largest first', ordered)}</span>`;

/** A button that picks the open head, so that several can be combined. */
function picking() {
  const which = head.value;
  if (!which) return nothing;
  const isPicked = picked.value.has(nameOf(which));
  const all = pickedHere.value.map(nameOf).join(', ');
  return html`<p class="hint">
    <button type="button" class="quiet" aria-pressed=${isPicked} @click=${() => pick(which)}>${isPicked ? 'Unpick' : 'Pick'} head ${nameOf(which)}</button>
    ${all ? `Picked heads: ${all} ` : 'Pick several heads to shade the text by all of them.'}${switchView(pickedHere.value, 'picked heads')}</p>`;
}

/** Each is a button that opens it. @param {HeadGrid['labels']} labels */
const standouts = (labels) => (labels.length ? html`<dl class="peaks">${Object.keys(NAMES).map((kind) => {
  const mine = labels.filter(({ name }) => name === kind);
  return mine.length ? html`<div><dt title=${mine[0].reason}>${kind}</dt><dd>${mine.slice(0, 12).map((each) => html`<button type="button" class="peak small" title="Score ${fixed(each.score)}: open" @click=${() => open(each)}>${nameOf(each)}</button> `)}${switchView(mine, `${kind} heads`)}</dd></div>` : nothing;
})}</dl>` : nothing);

export const grid = panel({
  id: ID,
  view: 'head_grid',
  needs: 'end',
  args: () => ({ shade: shade.value, token: shade.value === 'received' ? subject.value : null, ordered: ordered.value }),
  lacks: missingAttention,
  title: 'All heads',
  resting: `Layers down, heads across. ${COARSE ? 'Touch a head to open it.' : 'Point at a head to shade the text by it; press it to open it.'}`,
  controls: (answer) => controls(complete(answer)?.json ?? null),
  charts: (answer) => {
    const full = complete(answer);
    return full ? [chart(full)] : [];
  },
  tools: (answer) => html`${picking()}${standouts(labelsOf(complete(answer)?.json ?? null))}`,
});
