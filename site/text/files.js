// Texts and saved runs from files: dropped on the page or chosen; read here and sent nowhere; main thread.

import { megabytes } from '../frame/format.js';
import { openLessonText } from '../lessons/list.js';
import { openSaved, openText } from '../page/edits.js';
import { say, tell } from '../page/notices.js';

const MOST_BYTES = 2_000_000; // far more than any context holds
const MOST_RUN_BYTES = 500_000_000; // of a saved run; Python needs several times as much memory

/** @param {File | undefined} file */
export async function openFile(file) {
  if (!file) return;
  if (file.name.endsWith('.lesson.json') && file.size <= MOST_BYTES) return openLessonText(await file.text(), file.name);
  if (await holdsRun(file)) return open(file);
  if (file.size > MOST_BYTES) return say(`${file.name} is ${megabytes(file.size)}. A text can be at most ${megabytes(MOST_BYTES)}.`, true);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    if (text) openText(text);
    else say(`${file.name} is empty.`, true);
  } catch {
    say(`${file.name} is not a text file in UTF-8.`, true);
  }
}

/** Whether a file is a saved run, or says that it is. @param {File} file */
async function holdsRun(file) {
  const [zip, json] = [await file.slice(0, 4).text(), /\.json$/i.test(file.name)];
  if (zip === 'PK\x03\x04') return true;
  return json && file.size <= MOST_RUN_BYTES && (await file.text()).includes('"tokenlight.run/');
}

/** @param {File} file */
async function open(file) {
  if (file.size > MOST_RUN_BYTES) return say(`${file.name} is ${megabytes(file.size)}. A saved run can be at most ${megabytes(MOST_RUN_BYTES)}.`, true);
  await openSaved(new Uint8Array(await file.arrayBuffer()), file.name).catch(tell);
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
