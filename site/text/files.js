// Texts from files: dropped on the page or chosen; read here and sent nowhere; main thread.

import { openLessonText } from '../lessons/list.js';
import { openText } from '../page/edits.js';
import { say } from '../page/notices.js';

const MOST_BYTES = 2_000_000; // far more than any context holds

/** @param {File | undefined} file */
export async function openFile(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) return say(`${file.name} has ${(file.size / 1e6).toFixed(1)} MB: choose a text of at most ${MOST_BYTES / 1e6} MB.`, true);
  if (file.name.endsWith('.lesson.json')) return openLessonText(await file.text(), file.name);
  try {
    openText(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()));
  } catch {
    say(`${file.name} is not text in UTF-8: save it as UTF-8 text and try again.`, true);
  }
}

/** Lets a visitor drop a file anywhere on the page; without this, the browser would leave the page for it. */
export function acceptFiles() {
  const holdsFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
  const mark = (/** @type {boolean} */ over) => document.body.classList.toggle('drop', over);
  document.addEventListener('dragover', (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  document.addEventListener('drop', (event) => {
    mark(false);
    if (!holdsFile(event)) return;
    event.preventDefault();
    void openFile(event.dataTransfer?.files[0]);
  });
}
