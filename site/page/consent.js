// A model is large: it is downloaded only after the visitor agrees, unless it is already stored; main thread.

import * as state from './state.js';
import { askToPersist, isStored, refreshStored } from './storage.js';

/** @import {ModelEntry} from '../shared/protocol.js' */

/** @type {(id: string | null) => void} */
let agree = () => {};
/** @type {Promise<string | null>} */
const agreed = new Promise((resolve) => (agree = resolve));

/** Agrees to the download, and asks the browser to keep it; an id chooses another model than the one offered. @param {string | null} [id] */
export function giveConsent(id = null) {
  if (state.consent.peek()) void askToPersist();
  agree(id);
}

/**
 * Waits until a model may be downloaded: no wait if it is stored or the page comes from this machine.
 * @param {() => ModelEntry} wanted the model; a link that comes meanwhile may name another
 * @returns {Promise<string>} the id of the model to load
 */
export async function consentTo(wanted) {
  if (isLoopback(location.hostname)) return wanted().id;
  await refreshStored();
  const entry = wanted();
  if (isStored(entry.id)) return entry.id;
  state.consent.value = entry;
  const id = (await agreed) ?? wanted().id;
  state.consent.value = null;
  return id;
}

/** @param {string} host */
const isLoopback = (host) => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host) || host.endsWith('.localhost');
