// The one text: a textarea that takes it, exactly over the tokens that show it in colour; main thread.
//
// The layer below draws the text once; the textarea above draws only caret and selection. Pointers reach the tokens; what
// is pressed or selected there is handed on to the textarea, so that keys, IME, undo and screen readers are the browser's own.

import { count, percent } from '../frame/format.js';
import { byId } from '../frame/mount.js';
import { readText, setText } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { asInBox, tokenName } from '../shared/token_text.js';
import { signal } from '../vendor/signals-core.js';
import { looksLikeCode } from './face.js';
import { drawnText, elements } from './first.js';
import { keptTokens } from './span.js';
import { shown } from './token_elements.js';
import { followCaret } from './caret.js';
import { followHistory } from './history.js';
import { followTokens } from './tokens.js';

export function mountSurface() {
  const root = byId('tokens');
  const box = /** @type {HTMLTextAreaElement} */ (byId('text'));
  const surface = /** @type {HTMLElement} */ (root.parentElement);
  const unread = /** @type {HTMLElement} */ (root.querySelector('.unread'));
  const drawn = signal({}); // a new object whenever the elements have been updated
  const put = followHistory(box, drawnText);
  if (box.value !== drawnText && !state.text.value) setText(box.value); // typed before the page had started

  watch('text in the box', () => {
    const text = asInBox(state.text.value);
    if (box.value === text) return;
    const { selectionStart, selectionEnd, selectionDirection } = box;
    const all = selectionStart === 0 && selectionEnd === box.value.length; // still all of it when generated tokens arrive
    put(text);
    if (document.activeElement === box) box.setSelectionRange(selectionStart, all ? text.length : selectionEnd, selectionDirection);
  });
  watch('coloured text', () => {
    const run = state.run.value;
    const text = state.text.value;
    const kept = run ? keptTokens(run.tokens, text) : 0;
    if (run) elements.update(run.tokens, run.given, { length: kept, marks: state.settings.value.whitespace });
    else elements.clear();
    const whole = run && kept === run.tokens.total;
    const rest = whole ? '' : asInBox(text.slice(run ? shown(run.tokens).starts[kept] : 0));
    if (unread.textContent !== rest) unread.textContent = rest; // the browser would lay out the whole text again
    root.classList.toggle('ends-in-newline', !text || text.endsWith('\n') || text.endsWith('\r'));
    root.tabIndex = kept ? 0 : -1;
    drawn.value = {};
  });
  watch('colours of the text', () => {
    drawn.value;
    elements.paint(state.shading.value ?? state.textColours.value);
  });
  watch('face', () => {
    const { face, whitespace } = state.settings.value;
    surface.classList.toggle('show-whitespace', whitespace);
    surface.classList.toggle('monospaced', face === 'code' || (face === 'auto' && looksLikeCode(state.text.value)));
  });
  labelTokens();
  box.addEventListener('input', () => setText(box.value));
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void readText();
  });
  followTokens(root, elements, drawn);
  followCaret(root, box, elements);
}

/** Names each token with its probability and rank, once its run has ended and the browser has time. */
function labelTokens() {
  const later = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ work) => setTimeout(work, 200));
  watch('token names', () => {
    const run = state.run.value;
    if (!run?.done) return;
    later(() => {
      if (state.run.value !== run) return;
      const { probability, rank } = run.columns;
      elements.label((i) => {
        const name = tokenName(run.tokens, i) + (run.tokens.control[i] ? ', control token' : '');
        return i < run.count && probability && !Number.isNaN(probability.data[i]) ? `${name}, ${percent(probability.data[i])}, rank ${count(rank.data[i])}` : name;
      });
    });
  });
}
