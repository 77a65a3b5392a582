// The controls of panels: a menu and a checkbox, each for one signal; main thread.

import { isChecked, valueOf } from '../frame/mount.js';
import { html } from '../vendor/lit-html/lit-html.js';

/** @typedef {{ value: any }} Setting a signal */

/**
 * A menu.
 * @param {string} label its accessible name
 * @param {[value: unknown, title: string][]} options
 * @param {unknown} chosen
 * @param {(value: string) => void} choose
 * @param {string} [title] shown when it is pointed at
 */
export const menuView = (label, options, chosen, choose, title = '') => html`
  <select class="quiet" aria-label=${label} title=${title} @change=${(/** @type {Event} */ event) => choose(valueOf(event))}>
    ${options.map(([value, name]) => html`<option value=${value} .selected=${value === chosen}>${name}</option>`)}
  </select>`;

/** A menu that sets a signal. @param {string} label @param {Record<string, string>} titles by value @param {Setting} setting */
export const settingMenu = (label, titles, setting) => menuView(label, Object.entries(titles), setting.value, (value) => (setting.value = value));

/** A checkbox that sets a signal. @param {string} title @param {Setting} setting */
export const checkView = (title, setting) => html`<label class="check"><input type="checkbox" .checked=${setting.value}
  @change=${(/** @type {Event} */ event) => (setting.value = isChecked(event))}>${title}</label>`;
