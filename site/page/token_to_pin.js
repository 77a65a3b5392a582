// Pins the token that a link or a reload names once its text has been read, by the model that is being loaded if one is; main thread.

import { batch, untracked } from '../vendor/signals-core.js';
import { pinIfThere, select } from './choices.js';
import { watch } from './notices.js';
import * as state from './state.js';

/** The text whose token is to be pinned; null: the first that is read. @type {string | null} */
let its = null;

/** Pins a token of a text, now or once the text has been read, unless another is pinned or unpinned first. @param {number} token @param {string | null} text see `its` */
export function pinOnceRead(token, text) {
  if (text === '') return;
  batch(() => {
    if (state.isRead.value) pinIfThere(token);
    its = text;
    state.tokenToPin.value = token;
  });
}

/** Whether the shown run is of the text in the box, and neither another run nor another model is about to replace it. */
function isSettled() {
  const { run, underWay, loading, isRead, isReadByModel } = state;
  if (!run.value || run.value.stored || !isRead.value || ![null, run.value.id].includes(underWay.value)) return false;
  return run.value.kind === 'opened' || (isReadByModel.value && !loading.value.model);
}

/** Pins it. */
export const followTokenToPin = () =>
  watch('token to pin', () => {
    const token = state.tokenToPin.value;
    if (token === null) return;
    const isOfOther = its !== null && !state.text.value.startsWith(its);
    if (!isOfOther && !isSettled()) return;
    const { count, run } = state;
    if (!isOfOther && token < count.value) untracked(() => select({ pinned: token }));
    else if (isOfOther || run.value?.done) state.tokenToPin.value = null;
  });
