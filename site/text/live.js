// Live mode: reads again shortly after each change of the box; what has not changed is not computed again; main thread.

import { readLive } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';

const PAUSE = 120; // ms without a key before the text is read

/** Follows the box while the setting is on. A newer text ends the reading of the one before. */
export function followTyping() {
  let timer = 0;
  let last = state.text.value; // what came with the address or a reload waits until it is changed
  watch('live mode', () => {
    const text = state.text.value;
    if (text === last) return;
    last = text;
    clearTimeout(timer);
    const wanted = text && state.canRun.peek() && state.settings.peek().live && state.phase.peek() !== 'running';
    const isShown = () => state.run.value?.tokens.text === state.text.value;
    if (wanted || (text && state.settings.peek().live && state.run.peek()?.kind === 'read')) timer = setTimeout(() => isShown() || !state.canRun.value || void readLive(), PAUSE);
  });
}
