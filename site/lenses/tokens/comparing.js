// Pins a reading and compares every later one with it; main thread.

import { forgetInTab, keepInTab, keptInTab } from '../../page/draft.js';
import { put, read } from '../../page/edits.js';
import { PINNED } from '../../page/keys.js';
import { load } from '../../page/models.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { excerpt } from '../../shared/token_text.js';
import { computed, signal } from '../../vendor/signals-core.js';
import { ask } from '../scheduler.js';

const { isComparing, pinnedReading } = state;

const { answer } = ask({ view: 'comparison', needs: 'end', args: () => (isComparing.value ? {} : null), seen: () => state.lens.value === 'tokens' });

/** How the text begins that was pinned until Python was started again, by a reload for example; null: none was. */
export const lost = signal(/** @type {string | null} */ (null));
export const beginning = (/** @type {string} */ text) => excerpt(text, 60);

/** Takes note if a pinned reading is gone with the Python that had it. */
export function followPinned() {
  const { text } = /** @type {{ text?: unknown }} */ (keptInTab(PINNED) ?? {});
  if (typeof text === 'string') lost.value = text;
  keepInTab(PINNED, () => pinnedReading.value && { text: beginning(pinnedReading.value.text) }, (kept) => {
    if (!kept) forgetInTab(PINNED); // an older one is not what was pinned last
  });
  watch('pinned reading', () => {
    if (!pinnedReading.value) return;
    const gone = isComparing.value && answer.value && !answer.value.json;
    lost.value = gone ? beginning(pinnedReading.value.text) : null;
    if (gone) pinnedReading.value = null;
  });
}

/** The comparison with the current run; null while there is none. */
export const comparison = computed(() => (isComparing.value && answer.value?.json ? { json: answer.value.json, arrays: answer.value.arrays } : null));

export const unpinA = () => void (pinnedReading.value = null);

/** Reads the pinned text with another model. @param {string} id */
export async function readWith(id) {
  const text = pinnedReading.value?.text;
  if (text === undefined) return;
  await load(id);
  if (state.text.value !== text) put(text);
  await read(text, {}).done;
}
