// Pins a reading and compares every later one with it; main thread.

import { put, read } from '../../page/edits.js';
import { load } from '../../page/models.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { computed } from '../../vendor/signals-core.js';
import { ask } from '../scheduler.js';

const { pinnedReading } = state;

const isOther = () => pinnedReading.value !== null && pinnedReading.value.runId !== state.run.value?.id;

const { answer } = ask({ view: 'comparison', needs: 'end', args: () => (isOther() ? {} : null), seen: () => state.lens.value === 'tokens' });

/** Unpins the reading if Python was restarted and no longer has it. */
watch('pinned reading', () => {
  if (isOther() && answer.value && !answer.value.json) pinnedReading.value = null;
});

/** The comparison with the current run; null while there is none. */
export const comparison = computed(() => (isOther() && answer.value?.json ? { json: answer.value.json, arrays: answer.value.arrays } : null));

export const unpinA = () => void (pinnedReading.value = null);

/** Reads the pinned text with another model. @param {string} id */
export async function readWith(id) {
  const text = pinnedReading.value?.text;
  if (text === undefined) return;
  await load(id);
  if (state.text.value !== text) put(text);
  await read(text, {}).done;
}
