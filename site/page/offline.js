// Registers the service worker, reloads once so that it can isolate the page, and says when a new release waits; main thread.

import * as state from './state.js';

const RELOADED = `tokenlight reloaded ${new URL('.', location.href).pathname}`; // this tab has tried, successful or not

const PATIENCE = 5000; // ms for the service worker to start; without it the page works with one thread

/** @type {ServiceWorkerRegistration | undefined} */
let registration;

/**
 * Asks the service worker something.
 * @param {{ type: string } & Record<string, unknown>} message
 * @returns {Promise<any>}
 */
function ask(message) {
  const worker = registration?.active;
  if (!worker) return Promise.reject(new Error('This browser keeps nothing for offline use here.'));
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.value));
    worker.postMessage(message, [port2]);
  });
}

/**
 * Resolves once the page runs as it will run: at once where there is nothing to gain, else after the service worker has
 * taken over; never where the page is about to be reloaded by it.
 * @returns {Promise<void>}
 */
export async function settle() {
  if (!navigator.serviceWorker) return note('unsupported');
  try {
    registration = await navigator.serviceWorker.register('sw.js', { updateViaCache: 'none' });
  } catch {
    return note('unsupported'); // a private window, or switched off
  }
  const keep = () => {
    navigator.serviceWorker.ready
      .then((ready) => (registration = ready))
      .then(check)
      .catch(() => {});
  };
  if (globalThis.crossOriginIsolated || sessionStorage.getItem(RELOADED)) return keep();
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  if (!(await Promise.race([navigator.serviceWorker.ready, patience]))) return note('unsupported');
  sessionStorage.setItem(RELOADED, 'yes');
  location.reload();
  await new Promise(() => {});
}

/** @param {import('./state.js').Offline['state']} what */
const note = (what) => void (state.offline.value = { ...state.offline.value, state: what });

/** Stores the page for offline use, or finds that a newer release waits. */
async function check() {
  note('storing');
  try {
    const { ready, bytes } = await ask({ type: 'check' });
    state.offline.value = { state: 'stored', newer: ready, bytes };
  } catch {
    note((await isKept()) ? 'stored' : 'failed');
  }
}

/** Whether a whole release is stored (see sw.js for the names). */
async function isKept() {
  const names = await caches.keys();
  return names.some((name) => name.startsWith(`tokenlight shell ${new URL('.', location.href).pathname} `) && !name.endsWith(' unfinished'));
}

/** Looks again whether the page is stored, and stores it where it is not: a browser short of room removes what sites stored. */
export async function recheck() {
  if (state.offline.value.state === 'stored' && !(await isKept())) await check();
}

/** Goes over to the newer release and loads it. */
export async function switchRelease() {
  const version = state.offline.value.newer;
  if (!version) return;
  await ask({ type: 'switch', version });
  location.reload();
}

/** Removes everything this site ever stored here: releases, models, settings and the service worker itself. */
export async function uninstall() {
  const { pathname } = new URL('.', location.href);
  for (const name of (await globalThis.caches?.keys()) ?? []) if (name.startsWith('tokenlight ') && name.split(' ')[2] === pathname) await caches.delete(name);
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (key.startsWith('tokenlight ') && key.endsWith(pathname)) storage.removeItem(key);
  await registration?.unregister();
  note('unknown');
}
