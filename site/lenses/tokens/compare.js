// Two runs side by side, each token coloured by how much likelier it is here than there; main thread.

import { changesOf } from '../../page/changes.js';
import { hover, pin } from '../../page/choices.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { shownTexts, tokenName } from '../../shared/token_text.js';
import { countOf, fixed, short, significant, signed } from '../../frame/format.js';
import { amount, inUnit, labelsIn, unit } from '../../frame/units.js';
import { valueOf } from '../../frame/mount.js';
import { pinView } from '../controls.js';
import { codeButton } from '../python/panel_code.js';
import { beginning, comparison, lost, readWith, unpinA } from './comparing.js';

/** @import {Numbers, Side} from '../../shared/protocol.js' */

export function compareView() {
  const first = state.pinnedReading.value;
  return html`
    <div class="row spread"><h2>Compare two runs</h2>${first ? codeButton('compare', 'Compare two runs', () => ({ other: first.text }), true) : nothing}</div>
    ${first ? pinnedView(first) : html`<div class="row">
      <p class="hint grow">Pin this run, then read another text or use another model: both are shown side by side.</p>
      ${pinView('Pin this run as A', { id: 'keep', size: '' })}
    </div>
    ${lost.value === null ? nothing : html`<p class="hint" id="lost-a">“${lost.value}” is no longer pinned as A, because Python was restarted. Read it again to pin it: its text is under Versions.</p>`}`}
    ${first && comparison.value ? sides(comparison.value, first) : nothing}
  `;
}

/** @param {NonNullable<typeof state.pinnedReading.value>} first */
function pinnedView({ model, text, changes }) {
  const others = state.models.value.filter(({ id }) => id !== state.model.value?.manifest.id);
  const onChange = (/** @type {Event} */ event) => void readWith(valueOf(event)).catch(() => {}); // said on the page
  return html`<div class="row">
    <p class="hint grow"><strong>A</strong> ${model}${changes ? ` (changed: ${changes})` : ''}: “${beginning(text)}” ${comparison.value ? nothing : html`<br>Now read another text, or use another model.`}</p>
    ${others.length ? html`<label class="sr-only" for="compare-with">Read A’s text with</label>
      <select id="compare-with" @change=${onChange}><option value="">Read it with…</option>${others.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}</select>` : nothing}
    ${pinView('Pin the current run instead', { size: '' })}
    <button type="button" @click=${unpinA}>Unpin A</button>
  </div>`;
}

/** @param {NonNullable<typeof comparison.value>} answer @param {NonNullable<typeof state.pinnedReading.value>} first */
function sides({ json: { a, b, compared, least, largest }, arrays }, first) {
  const changes = [first.changes, state.run.value ? changesOf(state.run.value) : ''];
  const [ofA, ofB] = changes.map((words) => (changes.some(Boolean) ? (words ? `Changed model: ${words}` : 'Unchanged model') : ''));
  const none = compared ? `No token changed by ${short(inUnit(least))} ${unit()} or more.` : 'The two texts have no passage in common.';
  const { light, dark } = b.colours.legend;
  const labels = labelsIn(b.colours.legend);
  return html`
    <div class="legend" role="group" aria-label="What the colours mean">
      <span class="classes">${labels.map((label, i) => html`<span><i .style=${`background:light-dark(${light.background[i]}, ${dark.background[i]})`}></i>${label}</span>`)}</span>
    </div>
    <p class="hint">Blue: likelier here than in the other run; orange: less likely; no colour: the other text has no such passage.</p>
    <div class="sides">${side('A', a, ofA, arrays.a_change.data, arrays.a_logprob.data)}${side('B', b, ofB, arrays.b_change.data, arrays.b_logprob.data)}</div>
    ${largest.length ? html`<h3>Changed most, from A to B (${unit()})</h3>
      <ol class="changes">${largest.map(({ token, change }) => html`<li><button type="button" aria-pressed=${state.pinned.value === token}
        @click=${() => pin(token)} @pointerenter=${() => hover(token)} @pointerleave=${() => hover(null)}><code>${state.nameOfToken(token)}</code> ${signed(inUnit(change))}</button></li>`)}</ol>` : html`<p class="hint">${none}</p>`}
  `;
}

/** @param {string} name @param {Side} shown @param {string} changes inside the model, in words @param {Numbers} change nats by token @param {Numbers} logprob */
function side(name, { model, tokens, colours, summary }, changes, change, logprob) {
  const texts = shownTexts(tokens);
  const facts = `${countOf(summary.tokens ?? 0, 'token')} · perplexity ${significant(summary.perplexity)} · ${fixed(summary.bits_per_byte)} bits per byte`;
  const { light, dark } = colours;
  const style = (/** @type {number} */ i) =>
    `background-color:light-dark(${light.background[i]}, ${dark.background[i]});color:light-dark(${light.text[i]}, ${dark.text[i]})`;
  const title = (/** @type {number} */ i) => {
    const compared = Number.isNaN(change[i]) ? '' : `, ${signed(inUnit(change[i]))} compared with the other`;
    return `${tokenName(tokens, i)}: log-probability ${amount(logprob[i])}${compared}`;
  };
  return html`<section aria-label="Run ${name}">
    <p class="hint"><strong>${name}</strong> ${model}<br>${changes ? html`${changes}<br>` : nothing}${facts}</p>
    <p class="tokens" tabindex="0" translate="no" dir="auto">${texts.map((text, i) => html`<span class="token" title=${title(i)} .style=${light.background[i] === 'transparent' ? '' : style(i)}>${text}</span>`)}</p>
  </section>`;
}
