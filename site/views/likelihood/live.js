// Live mode: reads again shortly after each change of the box; what has not changed is not computed again; main thread.

import * as actions from '../../actions.js';
import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';

const PAUSE = 120; // ms without a key before the text is read

/** Follows the box while the setting is on. A newer text stops the reading of the one before. */
export function followTyping() {
  let timer = 0;
  /** @type {string | null} */
  let untouched = state.text.value; // what came with the address waits until the person changes it
  effect(() => {
    const text = state.text.value;
    if (text === untouched) return;
    untouched = null;
    const ready = state.model.value !== null && state.settings.value.live;
    clearTimeout(timer);
    if (ready && text) timer = setTimeout(() => isShown(text) || void actions.runText(), PAUSE);
  });
}

/** @param {string} text */
const isShown = (text) => state.run.value?.tokens.text === text;
