// The controls of panels: menus, checkboxes, the button that pins a reading as A, and the one that closes a sheet; main thread.

import { byId, isChecked, valueOf } from '../frame/mount.js';
import { tell } from '../page/notices.js';
import { pinReading } from '../page/questions.js';
import * as state from '../page/state.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';

/** @typedef {{ value: string | number | boolean }} Setting a signal */

/**
 * A menu.
 * @param {string} label its accessible name
 * @param {[value: unknown, title: string][]} options
 * @param {unknown} chosen
 * @param {(value: string) => void} choose
 * @param {string} [title] shown when it is pointed at
 * @param {{ title: string, options: [value: unknown, title: string][] } | null} [group] more options, under a header
 */
export function menuView(label, options, chosen, choose, title = '', group = null) {
  const drawn = (/** @type {typeof options} */ list) => list.map(([value, name]) => html`<option value=${value} .selected=${value === chosen}>${name}</option>`);
  return html`
    <select class="quiet" aria-label=${label} title=${title} @change=${(/** @type {Event} */ event) => choose(valueOf(event))}>
      ${drawn(options)}${group ? html`<optgroup label=${group.title}>${drawn(group.options)}</optgroup>` : nothing}
    </select>`;
}

/** A menu that sets a signal. @param {string} label @param {Record<string, string>} titles by value @param {Setting} setting */
export const settingMenu = (label, titles, setting) => menuView(label, Object.entries(titles), setting.value, (value) => (setting.value = value));

/** A checkbox that sets a signal. @param {string} title @param {Setting} setting */
export const checkView = (title, setting) => html`<label class="check"><input type="checkbox" .checked=${setting.value}
  @change=${(/** @type {Event} */ event) => (setting.value = isChecked(event))}>${title}</label>`;

/** A button that pins the current reading as A. @param {string} words @param {{ id?: string, size?: string }} [how] */
export function pinView(words, { id, size = 'small' } = {}) {
  const run = state.run.value;
  return html`<button type="button" id=${id ?? nothing} class=${size} ?disabled=${!run?.done || Boolean(run.stored) || !state.text.value}
    @click=${() => pinReading().catch(tell)}>${words}</button>`;
}

/** Closes the inspector where it is a sheet over the page (text.css); its token stays pinned. The focus goes to its pin. */
export const closeSheetView = () => html`<button type="button" class="quiet sheet-close" aria-label="Close" @click=${() => {
  state.sheetClosed.value = true;
  byId('pin').focus({ preventScroll: true });
}}>×</button>`;
