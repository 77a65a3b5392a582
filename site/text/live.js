// Reading follows typing while the model is fast enough for it; what has not changed is not computed again; main thread.

import { secondsFor } from '../page/cost.js';
import { readLive } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { keptTokens } from './span.js';

const PAUSE = 120; // ms without a key before the text is read
const FAST = 1; // seconds that the changed rest may take
const BLANK = '___'; // a text with a blank is there to be filled in
const CHARACTERS = 3; // a token, where the text has not been cut yet: fewer than most texts have

/** Follows what is typed while the setting is on. A newer text ends the reading of the one before. */
export function followTyping() {
  let timer = 0;
  watch('reading while typing', () => {
    const begun = state.typed.value > 0;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { value: text } = state.text;
      const run = state.run.value;
      if (!begun || !text || !state.settings.value.live || !state.canRun.value || run?.tokens.text === text || text.includes(BLANK)) return;
      if (run && state.underWay.value === run.id && run.kind === 'generate') return; // Stop, Run or its end come first
      if (secondsFor(unreadTokens(text)) < FAST) void readLive();
    }, PAUSE);
  });
}

/** About how many tokens of a text have no numbers yet. @param {string} text */
function unreadTokens(text) {
  const run = state.run.value;
  const kept = run && run.conditions.stride === null ? keptTokens(run.tokens, text) : 0; // windows are all read again
  const read = run && kept ? run.tokens.texts.slice(0, kept).join('').length : 0;
  return (text.length - read) / CHARACTERS;
}
