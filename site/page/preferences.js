// Keeps the user's settings between visits, in this browser only, and takes those of a link; main thread.

import { ALTERNATIVES, COLOURINGS, isAllowed, OF_WORDS, SAMPLING_RULES } from '../shared/options.js';
import { noteKept } from './draft.js';
import { PREFERENCES } from './keys.js';
import { watch } from './notices.js';
import * as state from './state.js';

/** @import {Rule} from '../shared/options.js' */
/** @typedef {{ [name: string]: Rule | string[] | Rules }} Rules */

const DEFAULTS = state.settings.peek();
/** What settings may be, beside having the type of their default. @type {Rules} */
const RULES = {
  topK: ALTERNATIVES, sampling: SAMPLING_RULES, colouring: COLOURINGS,
  theme: ['system', 'light', 'dark'], units: ['bits', 'nats'], device: ['wasm', 'webgpu'], face: ['auto', 'prose', 'code'],
};
/** The settings that a link may hold: what the text is shown by and generated with. */
const LINKED = /** @type {const} */ (['colouring', 'words', 'units', 'sampling']);

/** Those of them that are not the defaults, as JSON; null if all are. */
export function linkedSettings() {
  const changed = LINKED.filter((name) => JSON.stringify(state.settings.value[name]) !== JSON.stringify(DEFAULTS[name]));
  return changed.length ? JSON.stringify(Object.fromEntries(changed.map((name) => [name, state.settings.value[name]]))) : null;
}

/** Takes the settings of a link, the others being the defaults. @param {string} json @returns {string} what is wrong with them */
export function takeLinkedSettings(json) {
  /** @type {any} */
  let asked;
  try {
    asked = JSON.parse(json);
  } catch {
    return 'The settings in this link are not valid. They were ignored.';
  }
  const found = merged(DEFAULTS, asked);
  const fit = fitting(found);
  state.settings.value = { ...state.settings.value, ...Object.fromEntries(LINKED.map((name) => [name, fit[name]])) };
  if (fit === found) return '';
  return 'This link’s colouring is for single tokens only, so its whole words are coloured by “Likelihood in this text” instead.';
}

/** Settings that go together: whole words are coloured by the default, if the chosen colouring is of single tokens. @param {typeof DEFAULTS} found */
const fitting = (found) => (found.words && !OF_WORDS.includes(found.colouring) ? { ...found, colouring: DEFAULTS.colouring } : found);

/** Restores the settings of the last visit, then saves every change. */
export function keepPreferences() {
  let known = (state.settings.value = fitting(merged(state.settings.value, read())));
  watch('theme', () => {
    const { theme } = state.settings.value;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
  watch('settings', () => {
    const before = known;
    known = state.settings.value;
    if (state.removed.value) return;
    try {
      localStorage.setItem(PREFERENCES, JSON.stringify(withChanges(merged(DEFAULTS, read()), before, known)));
    } catch {
      noteKept('code', false); // a private window may refuse: settings and code then last until the page is closed
    }
  });
}

/**
 * What is stored, with the settings that this tab changed: another one may have stored others meanwhile.
 * @template {object} T @param {T} stored @param {T} before @param {T} now @returns {T}
 */
function withChanges(stored, before, now) {
  const result = /** @type {any} */ ({ ...stored });
  for (const [name, value] of Object.entries(now)) {
    const [one, other] = [/** @type {any} */ (before)[name], result[name]];
    if (value !== null && typeof value === 'object') result[name] = withChanges(other, one, value);
    else if (value !== one) result[name] = value;
  }
  return result;
}

/**
 * The defaults, overridden by those stored values of the same name that a setting may have.
 * @template {object} T @param {T} defaults @param {unknown} stored @param {Rules} [rules] @returns {T}
 */
function merged(defaults, stored, rules = RULES) {
  if (stored === null || typeof stored !== 'object') return defaults;
  const result = /** @type {any} */ ({ ...defaults });
  for (const [name, value] of Object.entries(defaults)) {
    const found = /** @type {any} */ (stored)[name];
    const rule = /** @type {any} */ (rules[name]);
    if (value !== null && typeof value === 'object') result[name] = merged(value, found, rule);
    else if (isFit(found, value, rule)) result[name] = found;
  }
  return result;
}

/** @param {unknown} found @param {unknown} usual the default @param {any} rule */
const isFit = (found, usual, rule) => typeof found === typeof usual && (!rule || (Array.isArray(rule) ? rule.includes(found) : isAllowed(found, rule)));

/** Whether a setting may have a value that was kept. @param {'colouring' | 'words' | 'units'} name @param {unknown} value */
export const isSetting = (name, value) => isFit(value, DEFAULTS[name], RULES[name]);

/** @returns {unknown} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(PREFERENCES) ?? 'null');
  } catch {
    return null;
  }
}
