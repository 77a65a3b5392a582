// Reads the text while it is typed, if the model is fast enough; what has not changed is not computed again; main thread.

import { secondsFor } from '../page/cost.js';
import { readLive, typedLast } from '../page/edits.js';
import { watch } from '../page/notices.js';
import { isGenerating } from '../page/runs.js';
import * as state from '../page/state.js';
import { keptTokens } from './span.js';

const PAUSE = 120; // ms without a key before the text is read
const FAST = 1; // seconds that reading from the first change on may take
const BLANK = '___'; // a text with a blank is there to be filled in
const CHARACTERS = 3; // for each token of a text that is not tokenized yet: fewer than most texts have

/**
 * Follows what is typed while the setting is on. A model reads each change once: after a pause in typing, as soon as it is ready
 * and no longer generating. This ends the reading of an older text; what the visitor has asked for since takes precedence.
 */
export function followTyping() {
  let timer = 0;
  let seen = 0; // the newest change that is settled
  let reader = ''; // the model that it was settled for
  let waited = false;
  watch('reading while typing', () => {
    const change = state.typed.value;
    const model = state.model.value?.manifest.sha256 ?? '';
    const { live } = state.settings.value;
    const able = state.canRun.value && !isGenerating();
    clearTimeout(timer);
    if (!change || (change === seen && model === reader)) return;
    waited ||= !able || change === seen;
    if (!live || !able) return;
    timer = setTimeout(() => {
      [seen, reader] = [change, model];
      if (typedLast() && isWorthReading()) readLive(waited);
      waited = false;
    }, PAUSE);
  });
}

/** Whether the text in the box differs from the one that was read, and reading the rest takes an instant. */
function isWorthReading() {
  const [text, model] = [state.text.value, state.model.value];
  return model !== null && text !== '' && !state.isRead.value && !text.includes(BLANK) && secondsFor(model, unreadTokens(text)) < FAST;
}

/** About how many tokens of a text have no numbers yet. @param {string} text */
function unreadTokens(text) {
  const run = state.run.value;
  const kept = run && run.conditions.stride === null ? keptTokens(run.tokens, text) : 0; // windows are all read again
  const read = run && kept ? run.tokens.texts.slice(0, kept).join('').length : 0;
  return (text.length - read) / CHARACTERS;
}
