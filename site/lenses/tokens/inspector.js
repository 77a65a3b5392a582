// One token in numbers: how likely it was, and where it stands in the text; main thread.

import { pin } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { hexBytes, visible } from '../../shared/token_text.js';
import { count, percent } from '../../frame/format.js';
import { amount } from '../../frame/units.js';
import { alternatives } from './alternatives.js';

/** @import {RunState} from '../../page/state.js' */

export function inspectorView() {
  const run = state.run.value;
  const index = state.hovered.value ?? state.pinned.value;
  if (!run || index === null || index >= run.tokens.ids.length) return html`<h2 class="title">Token</h2>${help(Boolean(run))}`;
  const known = index < run.count && !Number.isNaN(run.columns.logprob.data[index]);
  return html`
    ${heading(run, index)}
    ${known ? [facts(run, index), alternatives(run, index)] : html`<p class="hint">${index < run.count ? 'First token: no probability.' : run.done ? 'Not read.' : 'Not read yet.'}</p>`}
  `;
}

/** @param {boolean} read whether there are tokens to point at */
function help(read) {
  if (!read) return html`<p class="hint">Press Run: every token is coloured by how likely the model found it.</p>`;
  return html`<p class="hint">Point at a token to see what the model expected there; click it to pin it.</p>
    <p class="hint">By keyboard: <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> move in the text, <kbd>Enter</kbd> pins or unpins a token, <kbd>Shift</kbd> with an arrow selects several.</p>`;
}

/** @param {RunState} run @param {number} index */
function heading({ tokens, given }, index) {
  const text = tokens.texts[index];
  const hex = hexBytes(tokens, index);
  const [start, end] = tokens.bytes[index];
  const pinned = state.pinned.value === index;
  return html`
    <div class="row spread">
      <h2><code>${text.includes('\ufffd') ? `bytes ${hex}` : visible(text)}</code></h2>
      <button type="button" class="quiet" id="pin" aria-pressed=${pinned} @click=${() => pin(index)}>${pinned ? 'Unpin' : 'Pin'}</button>
    </div>
    <p class="hint">Token ${count(index + 1)} of ${count(tokens.ids.length)} · id ${tokens.ids[index]}${index >= given ? ' · generated' : ''}${tokens.control[index] ? ' · control token' : ''}<br>
      bytes ${count(start)}–${count(end)}: <code>${hex.length > 36 ? `${hex.slice(0, 35)} …` : hex}</code></p>`;
}

/** @param {RunState} run @param {number} index */
function facts({ columns }, index) {
  const value = (/** @type {string} */ name) => columns[name].data[index];
  const list = [
    ['Probability', percent(value('probability'))],
    ['Rank', count(value('rank'))],
    ['Surprisal', amount(value('surprisal'))],
    ['Entropy', amount(value('entropy'))],
    ['Probability ranked above it', percent(value('mass_above'))],
  ];
  return html`<dl class="facts">${list.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}
