// The strip under the text: surprisal and entropy along it, tied to the text's own pointer; the files of both; main thread.

import { alongScene } from '../charts/along.js';
import { measure } from '../charts/canvas.js';
import { Chart } from '../charts/chart.js';
import { colouredTextScene } from '../charts/coloured_text.js';
import { pictureFiles, saveCsv, WIDTH } from '../charts/files.js';
import { theme } from '../charts/theme.js';
import { count, countOf } from '../frame/format.js';
import { COARSE } from '../frame/pointer.js';
import { amount, inUnit, labelsIn, unit } from '../frame/units.js';
import { filesView } from '../lenses/panel.js';
import { ask } from '../lenses/scheduler.js';
import { tableView } from '../lenses/table.js';
import { hover, pin, select } from '../page/choices.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { isRightToLeft, shownTexts } from '../shared/token_text.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { looksLikeCode } from './face.js';

/** @import {Colour, Scene} from '../charts/scene.js' */

const HEIGHT = 104;

const listed = signal(false);
const asked = ask({ view: 'strip', needs: 'text', args: () => ({}), seen: () => true, table: () => listed.value });

/** In the chosen unit. @param {import('../shared/protocol.js').Numbers} nats */
const line = (nats) => Array.from(nats, inUnit);

/** @param {number} width @param {number} height @returns {Scene} */
function scene(width, height) {
  const { json, arrays } = /** @type {NonNullable<typeof asked.answer.value>} */ (asked.answer.value);
  const { surprisal_nats: bars, smooth_surprisal_nats: smooth, entropy_nats: dashes } = arrays;
  const lines = { bars: line(bars.data), line: line(smooth.data), dashes: line(dashes.data) };
  return alongScene({ ...lines, highest: inUnit(json.highest_nats), unit: unit() }, width, height);
}

/** The coloured text with what its colours mean. @returns {Scene} */
function textScene() {
  const run = state.run.value;
  const colours = state.textColours.value;
  if (!run || !colours) throw new Error('There is nothing to save yet: run the text first.');
  const { light, dark, legend } = colours;
  const { face } = state.settings.value;
  const pair = (/** @type {string} */ a, /** @type {string} */ b) => /** @type {Colour} */ ([a, b]);
  const pieces = shownTexts(run.tokens).map((text, i) => {
    const coloured = i < light.background.length && light.background[i] !== 'transparent';
    const fill = coloured ? pair(light.background[i], dark.background[i]) : null;
    return { text, generated: i >= run.given, fill, ink: coloured ? pair(light.text[i], dark.text[i]) : 'ink' };
  });
  const key = labelsIn(legend).map((label, i) => ({ label, fill: pair(legend.light.background[i], legend.dark.background[i]) }));
  const mono = face === 'code' || (face === 'auto' && looksLikeCode(run.tokens.text));
  return colouredTextScene({ pieces, key, rtl: isRightToLeft(run.tokens.text), mono }, WIDTH, measure);
}

/** @param {number} token */
function say(token) {
  const { surprisal_nats: surprisal, entropy_nats: entropy } = /** @type {NonNullable<typeof asked.answer.value>} */ (asked.answer.value).arrays;
  return `${state.nameOfToken(token)} (token ${count(token + 1)}) · surprisal ${amount(surprisal.data[token])} · entropy ${amount(entropy.data[token])}`;
}

const TITLES = { text: 'Coloured text', strip: 'Surprisal and entropy' };
const note = () => state.run.value?.model.name ?? '';
const FILES = {
  text: pictureFiles(() => ({ name: 'tokenlight-text', title: TITLES.text, note: note(), scenes: [textScene()] })),
  strip: {
    ...pictureFiles(() => ({ name: 'tokenlight-strip', title: TITLES.strip, note: note(), scenes: [scene(WIDTH, 200)] })),
    CSV: async () => saveCsv('tokenlight-tokens', await asked.csv()),
  },
};

function footView() {
  const onToggle = (/** @type {Event} */ event) => (listed.value = /** @type {HTMLDetailsElement} */ (event.target).open);
  return html`<div class="along-foot">
    <span class="keys"><span class="bar">surprisal (${unit()})</span><span class="line">mean of 15 tokens</span><span class="dashes">entropy</span></span>
    <details @toggle=${onToggle}><summary>Table and files</summary>
      <p class="row"><span>Text</span>${filesView(TITLES.text, FILES.text)}<span>Strip</span>${filesView(TITLES.strip, FILES.strip)}</p>
      ${listed.value ? (state.run.value?.stored ? html`<p class="hint">Run the text to see its table.</p>` : tableView(asked.table.value, TITLES.strip)) : nothing}
    </details></div>`;
}

/** @param {HTMLElement} root */
export function mountAlong(root) {
  const foot = document.createElement('div');
  const chart = new Chart({
    resting: COARSE ? 'Touch a bar for its token.' : 'Drag, or press Shift + arrows in the text, to select tokens.',
    onPoint: (point) => hover(point?.column ?? null),
    onBrush: (from, to) => select({ span: { from, to: Math.min(to, state.count.value) } }),
  });
  chart.element.classList.add('strip');
  root.append(chart.element, foot);
  watch('strip', () => {
    const lines = asked.answer.value;
    theme.value;
    root.hidden = !lines || !state.text.value;
    if (!lines) return chart.show(null);
    const { length } = lines.arrays.surprisal_nats.data;
    chart.show({
      label: `Surprisal and entropy of ${countOf(length, 'token')} in ${unit()}; the highest surprisal is ${amount(lines.json.highest_nats, 1)}.`,
      scene: (width) => scene(width, HEIGHT),
      say: ({ column }) => say(column),
      pick: ({ column }) => pin(column),
    });
  });
  watch('strip, marked tokens', () => {
    asked.answer.value;
    theme.value;
    const token = state.hovered.value ?? state.pinned.value;
    const span = state.span.value;
    chart.frame([
      ...(span ? [{ ...span, kind: /** @type {const} */ ('span') }] : []),
      ...(token === null ? [] : [{ from: token, to: token + 1, kind: /** @type {const} */ ('mark') }]),
    ]);
  });
  watch('strip, its foot', () => {
    if (asked.answer.value) render(footView(), foot);
  });
}
