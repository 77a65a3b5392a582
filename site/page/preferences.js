// Keeps the user's settings between visits, in this browser only, and takes those of a link; main thread.

import { generateOptions, SAMPLING } from '../shared/options.js';
import { PREFERENCES } from './keys.js';
import { watch } from './notices.js';
import * as state from './state.js';

const DEFAULTS = state.settings.peek();
/** The settings that a link may hold: what the text is shown by and generated with. */
const LINKED = /** @type {const} */ (['colouring', 'words', 'units', 'sampling']);

/** Those of them that are not the defaults, as JSON; null if all are. */
export function linkedSettings() {
  const changed = LINKED.filter((name) => JSON.stringify(state.settings.value[name]) !== JSON.stringify(DEFAULTS[name]));
  return changed.length ? JSON.stringify(Object.fromEntries(changed.map((name) => [name, state.settings.value[name]]))) : null;
}

/** Takes the settings of a link, the others being the defaults; what cannot be is left out. @param {string} json */
export function takeLinkedSettings(json) {
  /** @type {any} */
  let asked;
  try {
    asked = JSON.parse(json);
  } catch {
    return;
  }
  const found = usable(merged(DEFAULTS, asked));
  if (found.units !== 'bits' && found.units !== 'nats') found.units = DEFAULTS.units;
  try {
    const { stop, ...others } = found.sampling;
    generateOptions(others);
  } catch {
    found.sampling = { ...SAMPLING, stop: '' };
  }
  state.settings.value = { ...state.settings.value, ...Object.fromEntries(LINKED.map((name) => [name, found[name]])) };
}

/** Restores the settings of the last visit, then saves every change. */
export function keepPreferences() {
  let known = (state.settings.value = usable(merged(state.settings.value, read())));
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
      // a private window may refuse: the settings then last until the page is closed
    }
  });
}

/** An earlier version kept 0 tokens to generate, with which Continue does nothing. @param {typeof DEFAULTS} settings @returns {typeof DEFAULTS} */
const usable = (settings) => ({ ...settings, sampling: { ...settings.sampling, maxTokens: settings.sampling.maxTokens || SAMPLING.maxTokens } });

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

/** The defaults, overridden by stored values of the same name and type. @template {object} T @param {T} defaults @param {unknown} stored @returns {T} */
function merged(defaults, stored) {
  if (stored === null || typeof stored !== 'object') return defaults;
  const result = /** @type {any} */ ({ ...defaults });
  for (const [name, value] of Object.entries(defaults)) {
    const found = /** @type {any} */ (stored)[name];
    if (value !== null && typeof value === 'object') result[name] = merged(value, found);
    else if (typeof found === typeof value && (typeof found !== 'number' || Number.isFinite(found))) result[name] = found;
  }
  return result;
}

/** @returns {unknown} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(PREFERENCES) ?? 'null');
  } catch {
    return null;
  }
}
