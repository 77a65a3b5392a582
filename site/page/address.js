// The address: #model=…&lens=…&token=…, and text=… only in a link the visitor asked for. The page follows its changes; main thread.

import { NO_INTERVENTIONS } from '../shared/run_key.js';
import { select, setLens } from './choices.js';
import { setColouring } from './colouring.js';
import { openText, show } from './edits.js';
import { isLiteral } from './run_options.js';
import { setFromLink } from './interventions.js';
import { loadLinked } from './models.js';
import { say, tell, watch } from './notices.js';
import { linkedSettings, takeLinkedSettings } from './preferences.js';
import * as state from './state.js';
import { pinOnceRead } from './token_to_pin.js';
import { commit, version, versionOf } from './versions.js';

/** @import {Lesson} from '../lessons/schema.js' */

const LOADED = performance.timeOrigin; // versions are those of this load of the page
const OPENED = location.hash; // what the page was opened with
const LONGEST = 4000; // characters of interventions in a link
export const LONGEST_LINK = 16_000; // characters; longer ones are cut by what they are sent with
const PAUSE = 500; // ms between two changes: Safari refuses more than 100 in a short time

/** What an address asks for. Broken encodings are read as far as possible. */
export function readHash(hash = location.hash) {
  const asked = new URLSearchParams(hash.slice(1));
  const token = asked.get('token');
  const step = asked.get('step');
  return {
    model: asked.get('model'),
    text: asked.get('text'),
    literal: asked.get('literal') === 'true',
    lens: asked.get('lens'),
    lesson: asked.get('lesson'),
    step: step && /^[1-9]\d?$/.test(step) ? Number(step) - 1 : 0,
    interventions: asked.get('interventions'),
    settings: asked.get('settings'),
    token: token && /^\d{1,9}$/.test(token) ? Number(token) : null,
  };
}

/** The interventions as the address holds them: vectors, and then the others, are left out if they are too long. @returns {{ json: string, whole: boolean }} */
export function linkedInterventions() {
  const { add, ...others } = state.interventions.value;
  const [json, rest] = [{ ...others, ...(add ? { add } : {}) }, others].map((each) => JSON.stringify(each));
  if (json.length <= LONGEST) return { json, whole: true };
  return { json: rest.length <= LONGEST ? rest : NO_INTERVENTIONS, whole: false };
}

/** The hash that describes the page now. @param {{ text?: boolean }} [what] text: whether the text is in it */
function currentHash({ text = false } = {}) {
  const hash = new URLSearchParams();
  const id = state.model.value?.manifest.id;
  if (id) hash.set('model', id);
  hash.set('lens', state.lens.value);
  const token = state.tokenToPin.value ?? state.pinned.value;
  if (token !== null) hash.set('token', String(token));
  const { json } = linkedInterventions();
  if (json !== NO_INTERVENTIONS) hash.set('interventions', json);
  const { address = null, step = 0 } = state.lesson.value ?? {};
  if (address !== null && !text) {
    hash.set('lesson', address);
    if (step) hash.set('step', String(step + 1));
  }
  if (text) hash.set('text', state.text.value);
  if (text && isLiteral()) hash.set('literal', 'true');
  const settings = text ? linkedSettings() : null;
  if (settings !== null) hash.set('settings', settings);
  return `#${hash}`;
}

/** A lesson as the address holds it; null if it is too long. @param {Lesson} lesson */
export function addressOfLesson(lesson) {
  const json = JSON.stringify(lesson);
  return encodeURIComponent(json).length <= LONGEST_LINK ? json : null;
}

/** A link to a lesson. @param {Lesson} lesson */
export function lessonLink(lesson) {
  const address = addressOfLesson(lesson);
  if (address === null) throw new RangeError('The lesson is too long for a link. Save it as a file.');
  const hash = new URLSearchParams({ ...(lesson.model ? { model: lesson.model } : {}), lesson: address });
  return new URL(`#${hash}`, location.href).href;
}

/** A link to the current text. */
const textLink = () => new URL(currentHash({ text: true }), location.href).href;

/** The link that a saved page of the text carries; empty if it would be too long. */
export function linkInFile() {
  const link = textLink();
  return link.length > LONGEST_LINK ? '' : link;
}

/** A link to the open lesson, if its text is unchanged, or to the current text. */
export function sharedLink() {
  const { address = null, texts = [], step = 0 } = state.lesson.value ?? {};
  return address !== null && texts[step] === state.text.value ? new URL(currentHash(), location.href).href : textLink();
}

/** The link to share, which is then in the address too, unless that names a lesson. */
export function makeLink() {
  const link = sharedLink();
  if (!isLessonNamed()) write(new URL(link).hash);
  return link;
}

/** Whether the address names the open lesson. */
const isLessonNamed = () => (state.lesson.value?.address ?? null) !== null;

/** @param {string} hash */
function write(hash) {
  try {
    const id = version.peek()?.id ?? null;
    if (hash !== location.hash || history.state?.version !== id) history.replaceState({ loaded: LOADED, version: id }, '', hash);
  } catch {
    // refused for a while: the address lags until the next change
  }
}

/** Keeps the address up to date, and follows changes from outside: a link pasted into this tab, Back, Forward. */
export function followAddress() {
  let timer = 0;
  let earliest = 0; // browsers limit how often an address may change
  let linked = false; // a text in the address stays there until the text changes
  const update = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!state.model.value) return;
      linked = readHash().text === state.text.value && !isLessonNamed();
      write(currentHash({ text: linked }));
      earliest = performance.now() + PAUSE;
    }, Math.max(0, earliest - performance.now()));
  };
  watch('address', () => {
    void [state.text.value, state.lesson.value, state.interventions.value, state.model.value, state.lens.value, state.pinned.value];
    void [state.tokenToPin.value, version.value];
    update();
  });
  const arrive = () => {
    const own = history.state?.loaded === LOADED;
    const wrong = follow(readHash(), own, own ? history.state.version : null);
    if (wrong) say(wrong, true); // last: a text that is read clears the notice
    update(); // the address may have asked for what is not here
  };
  window.addEventListener('popstate', arrive);
  if (location.hash !== OPENED) arrive(); // it changed before the lenses were there
}

/**
 * A link to a text, or an address that the page wrote, says all: what it does not name is not there. Any other leaves that alone.
 * @param {ReturnType<typeof readHash>} asked @param {boolean} own whether the page wrote it @param {number | null} shown the version shown at that address before
 * @returns {string} what is wrong with it
 */
function follow({ model, text, literal, lens, token, interventions, settings, lesson, step }, own, shown) {
  commit();
  const saysAll = own || text !== null;
  const { address = null, step: current = 0 } = state.lesson.value ?? {};
  if (lesson === null ? saysAll : lesson !== address || step !== current) void followLesson(lesson, { step, lens, token });
  const wrong = [saysAll || interventions !== null ? setFromLink(interventions) : ''];
  if (saysAll && token === null) select({ pinned: null });
  if (settings !== null && settings !== linkedSettings()) {
    wrong.push(takeLinkedSettings(settings));
    setColouring(state.settings.value.colouring, state.settings.value.words).catch(() => {}); // a newer run took its place
  }
  if (lens !== null) setLens(lens);
  if (model) void loadLinked(model);
  const before = versionOf(shown);
  const same = before && (text === null || (before.text === text && before.literal === literal)) ? before : null;
  const target = same ?? { text: text ?? state.text.value, literal: text === null ? isLiteral() : literal };
  if (target.text !== state.text.value || target.literal !== isLiteral()) {
    if (same) void show(same);
    else openText(/** @type {string} */ (text), literal);
  }
  if (token !== null) pinOnceRead(token, state.text.value || null);
  return wrong.filter(Boolean).join(' ');
}

/** @param {string | null} lesson null: none @param {import('../lessons/lesson.js').Place} place */
async function followLesson(lesson, place) {
  try {
    const { leave, openLinked } = await import('../lessons/lesson.js');
    if (lesson !== null) return await openLinked(lesson, place);
    leave();
    if (place.lens) setLens(place.lens);
  } catch (error) {
    tell(error);
  }
}
