// Live mode: reads again shortly after each change that is typed; what has not changed is not computed again; main thread.

import { readLive } from '../page/edits.js';
import { watch } from '../page/notices.js';
import * as state from '../page/state.js';

const PAUSE = 120; // ms without a key before the text is read

/** Follows what is typed while the setting is on. A newer text ends the reading of the one before. */
export function followTyping() {
  let timer = 0;
  const isShown = () => state.run.value?.tokens.text === state.text.value;
  watch('live mode', () => {
    const begun = state.typed.value > 0;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { value: text } = state.text;
      if (begun && text && state.settings.value.live && state.canRun.value && !isShown()) void readLive();
    }, PAUSE);
  });
}
