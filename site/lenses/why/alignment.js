// Which token of A goes with which of this text: both texts one above the other, paired by pressing; main thread.

import { count, countOf } from '../../frame/format.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { signal } from '../../vendor/signals-core.js';
import { menuView } from '../controls.js';
import { columnsOf } from './pairs.js';
import { alignByHand, alignment, pairTokens, setAlignment, shownAlignment } from './patch_choice.js';

/** @import {Alignment} from '../../shared/protocol.js' */
/** @import {Column} from './pairs.js' */
/** @typedef {'a' | 'b'} Side */

const ALIGNMENTS = /** @type {const} */ ({ start: 'from the start', end: 'from the end', both: 'the beginning and end in common', hand: 'by hand' });

/** The token that was pressed, until another is. */
const pressed = signal(/** @type {{ side: Side, token: number } | null} */ (null));

/** Whether two texts of different lengths wait to be aligned. @param {Alignment | null} both */
export const isUnaligned = (both) => both !== null && both.a.length !== both.b.length && alignment() === '';

/** How two texts are aligned, in a sentence; nothing if every token goes with the one at its place. @param {Alignment | null} both */
export function alignmentLine(both) {
  if (!both || (both.a.length === both.b.length && alignment() !== 'hand')) return nothing;
  const equal = both.a.length === both.b.length;
  /** @type {[string, string][]} */
  const options = equal ? [['', 'position by position'], ['hand', ALIGNMENTS.hand]] : [['', 'choose…'], ...Object.entries(ALIGNMENTS)];
  return html`<span class="why-question">${equal ? '' : `A has ${countOf(both.a.length, 'token')}, this text ${count(both.b.length)}.`} Aligned:
    ${menuView('Aligned', options, alignment(), (value) => setAlignment(value, both))}</span> `;
}

/** Both texts with their pairs. @param {Alignment | null} both */
export function alignmentView(both) {
  if (!both) return nothing;
  const shown = shownAlignment(both);
  if (both.a.length !== both.b.length || alignment() === 'hand') return pairsView(shown);
  return html`<details><summary>Align by hand</summary>${pairsView(shown)}</details>`;
}

/** @param {Alignment} both */
function pairsView(both) {
  const count = both.origin.filter((token) => token !== null).length;
  const words = !pressed.value ? 'To pair two tokens, press one of A and one of this text; to unpair two, press both.'
    : pressed.value.side === 'a' ? 'Now press the token of this text that goes with it.' : 'Now press the token of A that goes with it.';
  return html`<section class="pairs" aria-label="Which tokens go together">
    <p class="hint">Above: A; below: this text. ${words} ${count} ${count === 1 ? 'pair' : 'pairs'}.
      ${count ? html`<button type="button" class="small" @click=${() => alignByHand([])}>Unpair all</button>` : nothing}</p>
    <div class="pairs-text" role="group" @keydown=${move}>${columnsOf(both).map((column) => columnView(both, column))}</div>
  </section>`;
}

/** @param {Alignment} both @param {Column} column */
function columnView(both, column) {
  const differ = column.a !== null && column.b !== null && both.a[column.a].id !== both.b[column.b].id;
  const cell = (/** @type {Side} */ side) => {
    const token = column[side];
    if (token === null) return html`<span class="no-token"></span>`;
    const other = column[side === 'a' ? 'b' : 'a'];
    const goes = other === null ? 'unpaired' : `goes with ${state.nameOfId(both[side === 'a' ? 'b' : 'a'][other])}`;
    const isPressed = pressed.value?.side === side && pressed.value.token === token;
    return html`<button type="button" data-side=${side} data-token=${token} tabindex=${token === 0 && side === 'a' ? 0 : -1} aria-pressed=${isPressed}
      aria-label="${side === 'a' ? 'A' : 'This text'}, token ${count(token + 1)}: ${state.nameOfId(both[side][token])}, ${goes}"
      @click=${() => press(both, side, token)}>${state.nameOfId(both[side][token])}</button>`;
  };
  return html`<span class="pair-column ${differ ? 'differ' : ''}">${cell('a')}${cell('b')}</span>`;
}

/** @param {Alignment} both @param {Side} side @param {number} token */
function press(both, side, token) {
  const before = pressed.value;
  if (!before || before.side === side) return void (pressed.value = before?.token === token ? null : { side, token });
  pressed.value = null;
  if (side === 'b') pairTokens(both, before.token, token);
  else pairTokens(both, token, before.token);
  queueMicrotask(() => /** @type {HTMLElement | null} */ (document.querySelector(`.pairs-text [data-side=${side}][data-token="${token}"]`))?.focus()); // it may have moved
}

/** Arrow keys go along a text and between the two. @param {KeyboardEvent} event */
function move(event) {
  const here = /** @type {HTMLElement} */ (event.target);
  const { side } = here.dataset;
  const group = /** @type {HTMLElement} */ (event.currentTarget);
  if (event.key === 'Escape' && pressed.value) pressed.value = null;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const own = [...group.querySelectorAll(`[data-side=${side}]`)];
  const to = step ? own[own.indexOf(here) + step]
    : event.key === 'ArrowUp' || event.key === 'ArrowDown' ? here.parentElement?.querySelector(`[data-side=${event.key === 'ArrowUp' ? 'a' : 'b'}]`) : null;
  if (!to) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (to).focus();
}
