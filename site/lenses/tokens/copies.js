// Repeated passages: how much easier each was the second time, and at which place in it; main thread.

import { Chart } from '../../charts/chart.js';
import { pictureFiles, saveCsv, WIDTH } from '../../charts/files.js';
import { rowsScene } from '../../charts/rows.js';
import { theme } from '../../charts/theme.js';
import { count, countOf, fixed, short } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { inUnit, unit } from '../../frame/units.js';
import { select } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { filesView } from '../panel.js';
import { codeButton } from '../python/panel_code.js';
import { findings, findingsCsv } from './findings.js';

/** @import {ChartOf} from '../../charts/chart.js' */
/** @import {CopyRow, Curve} from '../../shared/protocol.js' */

const TITLE = 'Surprisal by place in the passage';
const NAME = 'tokenlight-repeated-passages';
/** @type {Chart | null} */
let drawn = null;

export function copiesView() {
  const { copies, curve } = findings.value?.json ?? { copies: [], curve: { first: [], later: [], count: [] } };
  theme.value;
  if (!copies.length || !state.text.value) return nothing;
  return html`<section class="card">
    <div class="row spread"><h2>Repeated passages</h2>${codeButton('copies', 'Repeated passages', () => ({}), true)}</div>
    <table class="numbers">
      <caption class="hint">Mean surprisal in ${unit()} the first time and again</caption>
      <thead><tr><th scope="col">Passage</th><th scope="col">Tokens</th><th scope="col">First</th><th scope="col">Again</th></tr></thead>
      <tbody>${copies.map(copyRow)}</tbody>
    </table>
    ${curve.first.length > 1 ? curveView(curve) : nothing}
  </section>`;
}

/** @param {CopyRow} copy */
function copyRow({ start, source, length, text, first_nats: first, later_nats: later }) {
  const show = (/** @type {number} */ from) => select({ span: { from, to: from + length } });
  const [once, again] = [fixed(inUnit(first)), fixed(inUnit(later))];
  return html`<tr>
    <th scope="row"><code class="passage">${visible(text)}</code></th><td>${count(length)}</td>
    <td><button type="button" class="small" @click=${() => show(source)} aria-label="${once}: Show the first occurrence" title="Show the first occurrence">${once}</button></td>
    <td><button type="button" class="small" @click=${() => show(start)} aria-label="${again}: Show this occurrence" title="Show this occurrence">${again}</button></td>
  </tr>`;
}

/** @param {Curve} curve @returns {ChartOf} */
function chart({ first, later, count }) {
  const [once, again] = [first.map(inUnit), later.map(inUnit)];
  return {
    label: `${TITLE}, in ${unit()}: the first time and again, ${first.length} places`,
    scene: (width) => rowsScene({
      labels: first.map((_, i) => String(i + 1)),
      labelRoom: 28,
      rowHeight: 18,
      align: 'end',
      tracks: [{
        kind: 'bars', title: '', axis: short,
        series: [{ values: once, fill: 'bar', name: `first (${unit()})` }, { values: again, fill: 'accent', name: 'again' }],
      }],
    }, width),
    say: ({ row }) => `place ${row + 1}: ${fixed(once[row])} the first time, ${fixed(again[row])} again (${countOf(count[row], 'passage')})`,
  };
}

/** @param {Curve} curve */
function curveView(curve) {
  drawn ??= new Chart({ resting: `${POINT} a place for its values.` });
  const current = chart(curve);
  drawn.show(current);
  const files = {
    ...pictureFiles(() => ({ name: NAME, title: TITLE, note: '', scenes: [current.scene(WIDTH)] })),
    ...(state.run.value?.stored ? {} : { CSV: async () => saveCsv(NAME, await findingsCsv()) }),
  };
  return html`<details><summary>By place in the passage</summary>${drawn.element}${filesView(TITLE, files)}</details>`;
}
