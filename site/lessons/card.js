// The open lesson's card above the text: what to do now, what to notice once it is done, and how far the lesson is; main thread.

import * as state from '../page/state.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { leave, markDone, move, putText } from './lesson.js';
import { chooseLesson, lessons } from './list.js';
import { filled } from './seen.js';

/** @import {OpenLesson} from '../page/state.js' */

/** Whether only the card's first line is shown. */
const folded = signal(false);

export function cardView() {
  const open = state.lesson.value;
  if (!open) return nothing;
  const { lesson, step, done } = open;
  const isDone = done[step];
  return html`<section class="lesson" aria-labelledby="lesson-title">
    <div class="lesson-head">
      <h2 id="lesson-title" tabindex="-1">${lesson.title}</h2>
      <span class="lesson-place">Step ${step + 1} of ${lesson.steps.length}<span class="sr-only">${isDone ? ', done' : ''}</span></span>
      <ol class="lesson-dots" aria-hidden="true">${done.map((was, i) => html`<li class=${[was ? 'done' : '', i === step ? 'now' : ''].join(' ')}></li>`)}</ol>
      <button type="button" class="icon" id="lesson-fold" aria-expanded=${!folded.value} aria-controls="lesson-body" aria-label="The lesson’s words" title=${folded.value ? 'Show the words' : 'Hide the words'} @click=${() => (folded.value = !folded.value)}>${folded.value ? '▸' : '▾'}</button>
      <button type="button" class="small" id="lesson-leave" @click=${leave}>Leave</button>
    </div>
    <div id="lesson-body" ?hidden=${folded.value}>
      <p class="lesson-do">${filled(lesson.steps[step].do)}</p>
      <div role="status">${isDone ? html`<p class="lesson-see"><strong>Done.</strong> ${filled(lesson.steps[step].see ?? '')}</p>` : nothing}</div>
    </div>
    ${folded.value ? nothing : buttons(open)}
  </section>`;
}

/** @param {OpenLesson} open */
function buttons({ lesson, step, done, texts, address }) {
  const { waits, text } = lesson.steps[step];
  const isLast = step === lesson.steps.length - 1;
  const place = lessons.value.findIndex(({ id }) => id === address);
  const following = place < 0 ? undefined : lessons.value[place + 1];
  return html`<div class="lesson-buttons">
    <button type="button" id="lesson-back" ?disabled=${step === 0} @click=${() => move(-1)}>Back</button>
    ${done[step] ? nothing : textButton(text !== undefined, waits.for !== 'typed' && texts[step] !== state.text.value)}
    <span class="grow"></span>
    ${done[step]
      ? isLast
        ? html`${following ? html`<button type="button" id="lesson-following" @click=${() => chooseLesson(following.id)}>Next lesson: ${following.title}</button>` : nothing}
          <button type="button" id="lesson-next" class="primary" @click=${leave}>Finish</button>`
        : html`<button type="button" id="lesson-next" class="primary" @click=${() => move(1)}>Next</button>`
      : html`${isLast ? nothing : html`<button type="button" id="lesson-skip" class="quiet" @click=${() => move(1)}>Skip</button>`}
        ${waits.for === 'said' ? html`<button type="button" id="lesson-said" class="primary" @click=${markDone}>Done</button>` : nothing}`}
  </div>`;
}

/** A button that puts the step's text into the box. @param {boolean} own whether the step brings one @param {boolean} differs whether another is in the box */
const textButton = (own, differs) =>
  differs ? html`<button type="button" id="lesson-text" @click=${putText}>${own ? 'Open this step’s text' : 'Put the lesson’s text back'}</button>` : nothing;
