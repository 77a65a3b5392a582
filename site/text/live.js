// Reading follows typing while the model is fast enough for it; what has not changed is not computed again; main thread.

import { secondsFor } from '../page/cost.js';
import { readLive, typedLast } from '../page/edits.js';
import { watch } from '../page/notices.js';
import { isGenerating } from '../page/runs.js';
import * as state from '../page/state.js';
import { keptTokens } from './span.js';

const PAUSE = 120; // ms without a key before the text is read
const FAST = 1; // seconds that the changed rest may take
const BLANK = '___'; // a text with a blank is there to be filled in
const CHARACTERS = 3; // a token, where the text has not been cut yet: fewer than most texts have

/**
 * Follows what is typed while the setting is on. A model reads what is typed once: after a pause, else as soon as it can, else
 * when the generation under way has ended. It ends the reading of an older text; what was asked for since goes before it.
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

/** Whether the text in the box is another than the one that is shown, and its rest is read in an instant. */
function isWorthReading() {
  const { value: text } = state.text;
  return text !== '' && !state.isRead.value && !text.includes(BLANK) && secondsFor(unreadTokens(text)) < FAST;
}

/** About how many tokens of a text have no numbers yet. @param {string} text */
function unreadTokens(text) {
  const run = state.run.value;
  const kept = run && run.conditions.stride === null ? keptTokens(run.tokens, text) : 0; // windows are all read again
  const read = run && kept ? run.tokens.texts.slice(0, kept).join('').length : 0;
  return (text.length - read) / CHARACTERS;
}
