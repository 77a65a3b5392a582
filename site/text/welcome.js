// One line on the first visit: what the colours are and what to do; with a mouse, hidden once the page is used; main thread.

import { byId } from '../frame/mount.js';
import { set } from '../page/choices.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { explanation } from './first.js';

const holdsRoom = signal(false); // whether its room is kept once the page is used, so that nothing moves under the pointer

export function welcomeView() {
  const run = state.run.value;
  const { introduced } = state.settings.value;
  if (!run || (introduced && !holdsRoom.value)) return nothing;
  return html`<p class=${introduced ? 'welcome used' : 'welcome'}><span>${explanation(run.model.name)}</span>
    <button type="button" class="small" aria-label="Close this message" @click=${close}>×</button></p>`;
}

function close() {
  holdsRoom.value = false;
  set('introduced', true);
}

/** Notes that the page has been used: a token was chosen or something typed. */
export function followFirstUse() {
  const column = byId('editor');
  column.addEventListener('pointerleave', ({ pointerType }) => {
    if (pointerType !== 'touch') holdsRoom.value = false; // a finger leaves with every tap: the line stays until the next visit
  });
  watch('first use', () => {
    const used = state.pinned.value !== null || state.typed.value > 0;
    if (!used || state.settings.peek().introduced) return;
    holdsRoom.value = column.matches(':hover');
    set('introduced', true);
  });
}
