// Steer: a vector from two texts or a file, its strength, and what is generated with it and without; main thread.

import { countOf, significant } from '../../frame/format.js';
import { valueOf } from '../../frame/mount.js';
import { say, tell } from '../../page/notices.js';
import { isEnded } from '../../page/part.js';
import { listSteering } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { excerpt } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { signal } from '../../vendor/signals-core.js';
import { menuView, pinView, settingMenu } from '../controls.js';
import { isSeen } from '../in_sight.js';
import { howView, LATER, plainPanel } from '../panel.js';
import { PROSE } from '../prose.js';
import { ask } from '../scheduler.js';
import { ID } from './choice.js';
import { compare, held, hold, isSteering, isTaking, openVector, pair, release, saveVector, setStrength, steer, stopSteering, strength } from './steering.js';

const PANEL = 'steer';
const STRONGEST = 8;
const EXCERPT = 40; // characters of a text that are shown
const POSITIONS = { last: 'at the last position', mean: 'mean over the tokens' };

const place = signal('last');
/** The chosen layer; null: the middle one. */
const layer = signal(/** @type {number | null} */ (null));

const layers = () => state.model.value?.manifest.layers ?? 1;
const chosenLayer = () => Math.min(layer.value ?? Math.floor(layers() / 2), layers() - 1);

const question = ask({
  view: 'steering', needs: 'end',
  args: () => (state.isComparing.value && (!held.value || isTaking.value) ? { layer: chosenLayer(), mean: place.value === 'mean' } : null),
  seen: () => isSeen(PANEL) && state.hasLayers(),
});

const isReading = signal(false); // the lists' texts
const layerMenu = () => menuView('Layer', Array.from({ length: layers() }, (_, i) => [i, `before layer ${i}`]), chosenLayer(), (value) => (layer.value = Number(value)));

/** Where a vector comes from. */
const sources = () => html`${source()}${listsView()}`;

/** A vector from the two texts, or from a file. */
function source() {
  const run = state.run.value;
  const pinned = state.pinnedReading.value;
  const answer = state.isComparing.value ? question.answer.value : null;
  const onFile = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    void openVector(field.files?.[0]);
    field.value = '';
  };
  const open = html`<button type="button" class="small" @click=${(/** @type {Event} */ event) => /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (event.currentTarget).nextElementSibling).click()}>Open a vector…</button>
    <input type="file" id="vector-file" accept=".json,application/json" hidden @change=${onFile}>`;
  if (!pinned || !state.isComparing.value) {
    return html`<p class="hint">${pinned ? 'This text is pinned as A. Now read another, which A is compared with.' : 'Pin a text as A and read another: the difference of their residual streams is a vector that can be added to any text.'}</p>
      <p class="why-tools">${pinned ? nothing : pinView('Pin this text as A')} ${open}</p>`;
  }
  const take = () => {
    if (answer && !answer.json.why_not) hold({ layer: answer.json.layer, vector: Array.from(answer.arrays.vector.data) }, `A minus “${excerpt(run?.tokens.text ?? '', EXCERPT)}”, ${place.value === 'mean' ? POSITIONS.mean : POSITIONS.last}`);
  };
  return html`<p class="why-question lead">A (“${excerpt(pinned.text, EXCERPT)}”) minus this text, ${layerMenu()} ${settingMenu('Position', POSITIONS, place)}</p>
    <p class="hint">${answer?.json.why_not ?? (answer ? `L2 norm ${significant(answer.json.norm)}; the residual stream of this text has ${significant(answer.json.usual)} there on average.` : isSeen(PANEL) ? 'Computing…' : LATER)}</p>
    <p class="why-tools"><button type="button" class="small" ?disabled=${!answer || answer.json.why_not !== null} @click=${take}>Take this vector</button> ${open}</p>`;
}

/** A vector from two lists of texts, one per line. @param {SubmitEvent} event */
async function takeLists(event) {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const [a, b] = ['a', 'b'].map((name) => String(form.get(name)).split('\n').map((line) => line.trim()).filter(Boolean));
  if (!a.length || !b.length) return say('Write at least one text into each box, one per line.', true);
  const at = chosenLayer();
  const mean = place.value === 'mean';
  isReading.value = true;
  try {
    const { json, arrays } = await listSteering({ lists: [a, b], layer: at, mean });
    hold({ layer: at, vector: Array.from(arrays.vector.data) }, `mean over ${countOf(json.texts[0], 'text')} of A minus ${json.texts[1]} of B, ${mean ? POSITIONS.mean : POSITIONS.last}`);
  } catch (error) {
    if (!isEnded(error)) tell(error); // else a newer run has come
  } finally {
    isReading.value = false;
  }
}

const listsView = () => html`<details><summary>From two lists of texts</summary>
  <form class="why-lists" @submit=${takeLists}>
    <label>A, one text per line <textarea name="a" rows="3" spellcheck="false"></textarea></label>
    <label>B, one text per line <textarea name="b" rows="3" spellcheck="false"></textarea></label>
    <p class="why-tools">${layerMenu()} ${settingMenu('Position of lists', POSITIONS, place)}
      <button type="submit" class="small" ?disabled=${isReading.value || !state.run.value?.done || state.phase.value !== 'ready'}>${isReading.value ? 'Reading the lists…' : 'Take the mean of A minus that of B'}</button></p>
  </form></details>`;

/** The vector that is held. @param {NonNullable<typeof held.value>} vector */
function use({ layer: at, words }) {
  const ready = state.phase.value === 'ready' && state.run.value?.done && !state.run.value.stored;
  return html`<p class="lead">Vector before layer ${at}: ${words}.</p>
    <p class="why-tools">
      <label>Strength <input type="range" min=${-STRONGEST} max=${STRONGEST} step="0.25" .value=${String(strength.value)} @change=${(/** @type {Event} */ event) => setStrength(Number(valueOf(event)))}> <output>${strength.value}</output></label>
      ${isSteering.value
        ? html`<button type="button" class="small" @click=${stopSteering}>Stop steering</button>`
        : html`<button type="button" class="small" title="The text is read again with the vector added" @click=${steer}>Steer</button>`}
      <button type="button" class="small" ?disabled=${!ready} title="From this text, with the same seed and settings; Stop ends it" @click=${compare}>Generate before and after</button>
    </p>
    <p class="why-tools"><button type="button" class="small" @click=${saveVector}>Save the vector</button>
      <button type="button" class="small" @click=${release}>Discard it</button></p>
    ${pair.value ? sides(pair.value) : nothing}
    <details id="new-vector" .open=${isTaking.value} @toggle=${(/** @type {Event} */ event) => (isTaking.value = /** @type {HTMLDetailsElement} */ (event.target).open)}>
      <summary>Take a new vector …</summary>${isTaking.value ? sources() : nothing}</details>`;
}

/** @param {NonNullable<typeof pair.value>} generated */
function sides({ prompt, before, after, strength: by, busy }) {
  const shown = (/** @type {string | null} */ text, /** @type {string} */ waiting) => {
    if (text !== null && !text.startsWith(prompt)) return text;
    return html`<span class="hint">${prompt}</span>${text === null ? (busy ? waiting : '') : text.slice(prompt.length)}`;
  };
  const side = (/** @type {string} */ name, /** @type {string | null} */ text, /** @type {string} */ waiting) => html`<section aria-label=${name}>
    <p class="hint"><strong>${name}</strong></p>
    <p class="tokens" tabindex="0" translate="no" dir="auto">${shown(text, waiting)}</p></section>`;
  return html`<div class="sides" id="steered">${side('Before: without the vector', before, ' …')}${side(`After: strength ${by}`, after, before === null ? '' : ' …')}</div>`;
}

/** What its Python is about. */
const settings = () => ({ ...(state.pinnedReading.value && { other: state.pinnedReading.value.text }), layer: chosenLayer(), mean: place.value === 'mean' });

const view = () => html`<div class="row spread"><h2 title=${PROSE[PANEL].caption}>Steer</h2></div>
  ${held.value ? use(held.value) : sources()}
  <div class="panel-rest"><div class="panel-foot">${howView(PANEL, 'Steer', settings)}</div></div>`;

export const steerPanel = plainPanel({ id: PANEL, title: 'Steer', view, lens: ID });
