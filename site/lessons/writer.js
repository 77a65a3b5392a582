// Writing a lesson: words for each step and what it waits for, tried here, saved as a file or copied as a link; main thread.

import { saveJson } from '../charts/files.js';
import { isChecked, valueOf } from '../frame/mount.js';
import { lenses } from '../lenses/index.js';
import { lessonLink } from '../page/address.js';
import { message, say } from '../page/notices.js';
import * as state from '../page/state.js';
import { excerpt } from '../shared/token_text.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';
import { signal } from '../vendor/signals-core.js';
import { CONDITIONS, HEADS, headNamed } from './conditions.js';
import { addStep, discard, draft, edit, editStep, fault, finished, isWriting, markSaved, moveUp, removeStep, waitsNow } from './draft.js';
import { openLesson } from './lesson.js';
import { NoText } from './schema.js';
import { seen } from './seen.js';

/** @import {Draft, DraftStep} from './draft.js' */
/** @import {Lesson, Waits} from './schema.js' */

const EXCERPT = 60; // characters of the text that are shown

/** What is said of a text that the lesson still lacks, in the words of the form, and where it is to be written. @param {NoText} lack */
function inForm({ field, step }) {
  if (step === null && field === 'title') return { words: 'Give the lesson a title.', place: '#writer-name' };
  if (step === null && field === 'text') return { words: 'The lesson has no text: type one, and take it from the page.', place: '#writer-take' };
  if (field === 'do') return { words: `Say what to do in step ${step}.`, place: `.writer-steps > li:nth-child(${step}) textarea` };
  return null;
}

/** Does something with the finished lesson, or says what it still lacks and goes to the field. @param {(lesson: Lesson) => void} use */
function withLesson(use) {
  try {
    use(finished());
  } catch (error) {
    const lack = error instanceof NoText ? inForm(error) : null;
    fault.value = lack?.words ?? message(error);
    if (lack) /** @type {HTMLElement | null} */ (document.querySelector(lack.place))?.focus();
  }
}

const saveFile = () =>
  withLesson((lesson) => {
    saveJson(`${fileName(lesson.title)}.lesson`, `${JSON.stringify(lesson, null, 2)}\n`);
    markSaved();
  });

/** @param {string} title */
const fileName = (title) => title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 60) || 'lesson';

const copyLink = () =>
  withLesson((lesson) => {
    const link = lessonLink(lesson);
    navigator.clipboard.writeText(link).then(
      () => say('Link copied. Anyone with the link can read the lesson and its text.'),
      () => say(`The browser did not let the link be copied: ${link}`),
    );
  });

/** Whether “Discard” has been pressed once. */
const isSure = signal(false);

function pressDiscard() {
  if (isSure.value) discard();
  isSure.value = !isSure.value;
}

export function writerView() {
  const lesson = draft.value;
  if (!lesson || !isWriting.value) return nothing;
  const { title, steps } = lesson;
  return html`<section class="lesson writer" aria-labelledby="writer-title">
    <div class="lesson-head"><h2 id="writer-title" tabindex="-1">Write a lesson</h2><button type="button" class="small" id="writer-close" @click=${() => (isWriting.value = false)}>Close</button></div>
    <label>Title <input type="text" id="writer-name" maxlength="120" autocomplete="off" .value=${live(title)} @input=${(/** @type {Event} */ event) => edit({ title: valueOf(event) })}></label>
    ${beginning(lesson)}
    <ol class="writer-steps">${steps.map(stepView)}</ol>
    <div class="row"><button type="button" id="writer-add" @click=${addStep}>Add a step</button></div>
    <div class="lesson-buttons">
      <p role="alert" class="wrong">${fault.value}</p>
      <button type="button" id="writer-link" @click=${copyLink}>Copy link</button>
      <button type="button" id="writer-save" @click=${saveFile}>Save file</button>
      <button type="button" id="writer-discard" @click=${pressDiscard} @blur=${() => (isSure.value = false)}>${isSure.value ? 'Press again to discard' : 'Discard'}</button>
      <span class="grow"></span>
      <button type="button" id="writer-try" class="primary" @click=${() => withLesson((lesson) => openLesson(lesson))}>Try it</button>
    </div>
  </section>`;
}

/** What the lesson begins with. @param {Draft} lesson */
function beginning({ text, model, lens, lenses: shown, panels }) {
  const own = state.model.value?.manifest;
  const now = state.text.value !== text || state.lens.value !== lens;
  const has = (/** @type {string[]} */ list, /** @type {string} */ id, /** @type {boolean} */ on) => (on ? [...list, id] : list.filter((each) => each !== id));
  return html`
    <p class="hint">It begins with the text ${text ? html`“<span translate="no">${excerpt(text, EXCERPT)}</span>”` : '(none yet)'} in the lens ${lenses.find(({ id }) => id === lens)?.title ?? lens}.
      ${now ? html`<button type="button" class="small" id="writer-take" @click=${() => edit({ text: state.text.value, lens: state.lens.value })}>Take text and lens from the page</button>` : nothing}</p>
    ${own ? html`<label class="check"><input type="checkbox" .checked=${live(model !== null)} @change=${(/** @type {Event} */ event) => edit({ model: isChecked(event) ? own.id : null })}> Only with the model ${model ?? own.name}</label>` : nothing}
    <details><summary>Lenses and panels shown</summary>
      ${lenses.map((each) => html`<fieldset>
        <legend><label class="check"><input type="checkbox" .checked=${live(shown.includes(each.id))} @change=${(/** @type {Event} */ event) => edit({ lenses: has(shown, each.id, isChecked(event)) })}> ${each.title}</label></legend>
        ${shown.includes(each.id) && each.panels.length > 1 ? each.panels.map(({ id, title }) => html`<label class="check"><input type="checkbox" .checked=${live(panels.includes(id))} @change=${(/** @type {Event} */ event) => edit({ panels: has(panels, id, isChecked(event)) })}> ${title}</label>`) : nothing}
      </fieldset>`)}
    </details>`;
}

/** @param {DraftStep} step @param {number} i */
function stepView(step, i) {
  const { waits, text } = step;
  const changed = (/** @type {keyof DraftStep} */ name) => (/** @type {Event} */ event) => editStep(i, { [name]: valueOf(event) });
  const differs = text !== null || state.text.value !== draft.value?.text;
  return html`<li><fieldset>
    <legend>Step ${i + 1}</legend>
    <label>What to do <textarea rows="2" maxlength="2000" .value=${live(step.do)} @input=${changed('do')}></textarea></label>
    <label>What to notice, and why: shown once it is done <textarea rows="2" maxlength="2000" .value=${live(step.see)} @input=${changed('see')}></textarea></label>
    <div class="row">
      <label>Waits until <select @change=${(/** @type {Event} */ event) => editStep(i, { waits: waitsNow(valueOf(event)) })}>
        ${Object.entries(CONDITIONS).map(([name, { title }]) => html`<option value=${name} .selected=${live(name === waits.for)}>${title}</option>`)}</select></label>
      ${fields(waits, (changes) => editStep(i, { waits: { ...waits, ...changes } }))}
      ${CONDITIONS[waits.for].fields.length ? html`<button type="button" class="small" @click=${() => editStep(i, { waits: waitsNow(waits.for) })}>As on the page now</button>` : nothing}
    </div>
    ${differs ? html`<label class="check"><input type="checkbox" .checked=${live(text !== null)} @change=${(/** @type {Event} */ event) => editStep(i, { text: isChecked(event) ? state.text.value : null })}> Brings a text of its own${text === null ? ': the one in the box' : html`: “<span translate="no">${excerpt(text, EXCERPT)}</span>”`}</label>` : nothing}
    <div class="row">
      ${i ? html`<button type="button" class="small" @click=${() => moveUp(i)}>Move up</button>` : nothing}
      ${draft.value && draft.value.steps.length > 1 ? html`<button type="button" class="small" @click=${() => removeStep(i)}>Remove</button>` : nothing}
    </div>
  </fieldset></li>`;
}

/** What a condition needs beside its name. @param {Waits} waits @param {(changes: Partial<Waits>) => void} change */
function fields(waits, change) {
  const has = (/** @type {string} */ name) => CONDITIONS[waits.for].fields.some((field) => field.replace('?', '') === name);
  const number = (/** @type {'occurrence' | 'part'} */ name, /** @type {string} */ title, /** @type {string} */ none) => html`<label>${title} <input type="number" min="1" size="3" placeholder=${none}
    .value=${live(String(waits[name] ?? ''))} @change=${(/** @type {Event} */ event) => change({ [name]: Number(valueOf(event)) || undefined })}></label>`;
  return html`
    ${has('word') ? html`<label>of the word <input type="text" size="10" placeholder="any" .value=${live(waits.word ?? '')} @input=${(/** @type {Event} */ event) => change({ word: valueOf(event) || undefined })}></label>` : nothing}
    ${has('word') && waits.word ? [number('occurrence', 'its occurrence', '1'), number('part', 'its token', 'any')] : nothing}
    ${has('lens') ? choice('Lens', lenses.map(({ id, title }) => [id, title]), waits.lens, (lens) => change({ lens })) : nothing}
    ${has('colouring') ? choice('Colouring', state.colourings.value.map(({ id, title }) => [id, title]), waits.colouring, (colouring) => change({ colouring })) : nothing}
    ${has('head') ? choice('Head', headChoices(waits.head), waits.head, (head) => change({ head })) : nothing}`;
}

/** @param {string} label @param {[string, string][]} options @param {string | undefined} chosen @param {(value: string) => void} choose */
const choice = (label, options, chosen, choose) => html`<label>${label} <select @change=${(/** @type {Event} */ event) => choose(valueOf(event))}>
  ${options.map(([value, title]) => html`<option value=${value} .selected=${live(value === chosen)}>${title}</option>`)}</select></label>`;

/** The strongest of each kind, whatever the model, and heads by name. @param {string | undefined} chosen @returns {[string, string][]} */
function headChoices(chosen) {
  const { scores, head, off } = seen();
  const named = [...new Set([chosen, head, ...off])].filter((name) => name && !(name in HEADS));
  return [
    ...Object.entries(HEADS).map(([kind, title]) => /** @type {[string, string]} */ ([kind, `the model’s strongest ${title} (${headNamed(kind, scores) ?? 'not measured'})`])),
    ...named.map((name) => /** @type {[string, string]} */ ([String(name), `head ${name}`])),
  ];
}
