// Texts to begin with, from examples.json; main thread.

import { signal } from '../vendor/signals-core.js';

/** @typedef {{ id: string, title: string, text: string }} Example */

export const examples = signal(/** @type {Example[]} */ ([]));

/** Fetches the list; without it the page works, and offers none. */
export async function loadExamples() {
  try {
    const response = await fetch(new URL('../examples.json', import.meta.url));
    if (response.ok) examples.value = await response.json();
  } catch {
    examples.value = [];
  }
}
