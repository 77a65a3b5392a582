// The lessons that ship with the page, by index.json; opening one loads the rest of this folder; main thread.

import { say, tell } from '../page/notices.js';
import { signal } from '../vendor/signals-core.js';

/** @typedef {{ id: string, title: string }} Entry */

export const lessons = signal(/** @type {Entry[]} */ ([]));

/** Fetches the list; without it the page works, and offers none. */
async function load() {
  try {
    const response = await fetch(new URL('index.json', import.meta.url));
    if (response.ok) lessons.value = await response.json();
  } catch {
    lessons.value = [];
  }
}

/** @type {Promise<void> | null} */
let listed = null;

/** Resolves when the list has been fetched, once. */
export const loadLessons = () => (listed ??= load());

/** Opens a lesson of the page. @param {string} id */
export const chooseLesson = (id) => void import('./lesson.js').then(({ openShipped }) => openShipped(id)).catch(tell);

/** Opens a lesson from a file. @param {string} text of the file @param {string} name of the file */
export async function openLessonText(text, name) {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    return say(`${name} is not a lesson: it is not valid JSON.`, true);
  }
  await import('./lesson.js').then(({ openLesson }) => openLesson(json)).catch(tell);
}
