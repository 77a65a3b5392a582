// Puts lessons into the page: the place of the open lesson, or of the one being written, above the text; main thread.

import { mount } from '../frame/mount.js';
import { tell, watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { cardView } from './card.js';
import { showFirst } from '../text/precomputed.js';
import { CONDITIONS } from './conditions.js';
import { showControls } from './controls.js';
import { keepWriting } from './draft.js';
import { followLesson, keepChoice, openLinked } from './lesson.js';
import { writerView } from './writer.js';

const MARK = 'lesson-mark'; // the class of what is to be pressed next

/** @import {Place} from './lesson.js' */

/** @param {string | null} address the lesson that the page was opened with @param {Place} place */
export function mountLessons(address, place) {
  mount('lesson', () => (state.lesson.value ? cardView() : writerView()));
  keepWriting();
  followLesson();
  markTarget();
  if (state.lesson.value) showControls(state.lesson.value.lesson); // it was opened before the lenses were there
  if (address === null) keepChoice();
  else void openLinked(address, place).catch(refused).then(keepChoice); // not before it has found what was kept
}

/** Says what is wrong with the lesson's address, and begins the page as without one. @param {unknown} error */
function refused(error) {
  void showFirst();
  tell(error);
}

/** Marks what the step waits for to be pressed, as long as it does. */
function markTarget() {
  watch('what to press in the lesson', () => {
    const open = state.lesson.value;
    document.querySelector(`.${MARK}`)?.classList.remove(MARK);
    if (!open || open.done[open.step]) return;
    const { waits } = open.lesson.steps[open.step];
    const selector = CONDITIONS[waits.for].at?.(waits);
    if (selector) document.querySelector(selector)?.classList.add(MARK);
  });
}
