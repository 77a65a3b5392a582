// Steer: a vector from two texts or a file, its strength, and what is generated with it and without; main thread.

import { saveCsv } from '../../charts/files.js';
import { significant } from '../../frame/format.js';
import { valueOf } from '../../frame/mount.js';
import { tell, watch } from '../../page/notices.js';
import { pinReading } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { html, nothing, render } from '../../vendor/lit-html/lit-html.js';
import { signal } from '../../vendor/signals-core.js';
import { menuView, settingMenu } from '../controls.js';
import { isSeen } from '../in_sight.js';
import { filesView } from '../panel.js';
import { PROSE } from '../prose.js';
import { ask } from '../scheduler.js';
import { ID } from './choice.js';
import { compare, held, hold, isSteering, openVector, pair, release, saveVector, setStrength, steer, stopSteering, strength } from './steering.js';

const PANEL = 'steer';
const STRONGEST = 8;
const POSITIONS = { last: 'at the last position', mean: 'mean over the tokens' };

const place = signal('last');
/** The chosen layer; null: the middle one. */
const layer = signal(/** @type {number | null} */ (null));

const layers = () => state.model.value?.manifest.layers ?? 1;
const chosenLayer = () => Math.min(layer.value ?? Math.floor(layers() / 2), layers() - 1);
const isOther = () => state.pinnedReading.value !== null && state.pinnedReading.value.runId !== state.run.value?.id;

const question = ask({
  view: 'steering', needs: 'end',
  args: () => (isOther() && !held.value ? { layer: chosenLayer(), mean: place.value === 'mean' } : null),
  seen: () => isSeen(PANEL) && state.isInOnePass(),
});

/** A vector from the two texts. */
function source() {
  const run = state.run.value;
  const pinned = state.pinnedReading.value;
  const answer = isOther() ? question.answer.value : null;
  const onFile = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    void openVector(field.files?.[0]);
    field.value = '';
  };
  const open = html`<button type="button" class="small" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).nextElementSibling).click()}>Open a vector…</button>
    <input type="file" id="vector-file" accept=".json,application/json" hidden @change=${onFile}>`;
  if (!pinned || !isOther()) {
    return html`<p class="hint">${pinned ? 'This text is pinned as A. Now read another, which A is compared with.' : 'Pin a text as A and read another: the difference of their residual streams is a vector that can be added to any text.'}</p>
      <p class="why-tools">${pinned ? nothing : html`<button type="button" class="small" ?disabled=${!run?.done || Boolean(run.stored)} @click=${() => pinReading().catch(tell)}>Pin this text as A</button>`} ${open}</p>`;
  }
  const menu = menuView('Layer', Array.from({ length: layers() }, (_, i) => [i, `before layer ${i}`]), chosenLayer(), (value) => (layer.value = Number(value)));
  const take = () => {
    if (answer && !answer.json.why_not) hold({ layer: answer.json.layer, vector: Array.from(answer.arrays.vector.data) }, `A less “${short(run?.tokens.text ?? '')}”, ${place.value === 'mean' ? POSITIONS.mean : POSITIONS.last}`);
  };
  return html`<p class="why-question">A (“${short(pinned.text)}”) less this text, ${menu} ${settingMenu('Position', POSITIONS, place)}</p>
    <p class="hint">${answer?.json.why_not ?? (answer ? `L2 norm ${significant(answer.json.norm)}; the residual stream of this text has ${significant(answer.json.usual)} there on average.` : 'Computing…')}</p>
    <p class="why-tools"><button type="button" class="small" ?disabled=${!answer || answer.json.why_not !== null} @click=${take}>Take this vector</button> ${open}</p>`;
}

const short = (/** @type {string} */ text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** The vector that is held. @param {NonNullable<typeof held.value>} vector */
function use({ layer: at, words, vector }) {
  const ready = state.phase.value === 'ready' && state.run.value?.done && !state.run.value.stored;
  const csv = ['dimension,value', ...vector.map((value, i) => `${i},${value}`)].join('\n');
  return html`<p class="lead">Vector before layer ${at}: ${words}.</p>
    <p class="why-tools">
      <label>Strength <input type="range" min=${-STRONGEST} max=${STRONGEST} step="0.25" .value=${String(strength.value)} @change=${(/** @type {Event} */ event) => setStrength(Number(valueOf(event)))}> <output>${strength.value}</output></label>
      ${isSteering.value
        ? html`<button type="button" class="small" @click=${stopSteering}>Stop steering</button>`
        : html`<button type="button" class="small" title="The text is read again with the vector added" @click=${steer}>Steer</button>`}
      <button type="button" class="small" ?disabled=${!ready} title="From this text, with the same seed and settings; Stop ends it" @click=${compare}>Generate before and after</button>
    </p>
    <p class="why-tools"><button type="button" class="small" @click=${saveVector}>Save the vector</button>
      <button type="button" class="small" @click=${release}>Discard it</button>
      ${filesView('Vector', { CSV: async () => saveCsv(`tokenlight-vector-layer-${at}`, csv) })}</p>
    ${pair.value ? sides(pair.value) : nothing}`;
}

/** @param {NonNullable<typeof pair.value>} generated */
function sides({ prompt, before, after, strength: by, busy }) {
  const side = (/** @type {string} */ name, /** @type {string | null} */ text, /** @type {string} */ waiting) => html`<section aria-label=${name}>
    <p class="hint"><strong>${name}</strong></p>
    <p class="tokens" tabindex="0" translate="no" dir="auto">${text === null ? html`<span class="hint">${prompt}</span>${busy ? waiting : ''}` : text.startsWith(prompt) ? html`<span class="hint">${prompt}</span>${text.slice(prompt.length)}` : text}</p></section>`;
  return html`<div class="sides" id="steered">${side('Before: without the vector', before, ' …')}${side(`After: strength ${by}`, after, before === null ? '' : ' …')}</div>`;
}

function view() {
  const { caption, how, formula, source: computedBy } = PROSE[PANEL];
  return html`<div class="row spread"><h2 title=${caption}>Steer</h2></div>
    ${held.value ? use(held.value) : source()}
    <div class="panel-rest"><div class="panel-foot"><details><summary>How is this computed?</summary><p>${caption} ${how}</p><p class="formula"><code>${formula}</code></p><p class="hint">Computed by <code>${computedBy}</code></p></details></div></div>`;
}

/** @type {import('../panel.js').Panel} */
export const steerPanel = {
  id: PANEL,
  title: 'Steer',
  mount: (where) => void watch(PANEL, () => {
    if (state.lens.value === ID) render(view(), where);
  }),
};
