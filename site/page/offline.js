// Registers the service worker, reloads once so that it can isolate the page, and reports when a new release is ready; main thread.

import { effect } from '../vendor/signals-core.js';
import { RELOADED } from './keys.js';
import * as state from './state.js';

const { href: SCOPE, pathname: PATH } = new URL('.', location.href);

const PATIENCE = 5000; // ms for the service worker to start; without it the page works with one thread
const RELOAD_PATIENCE = 15_000; // ms for the reload to happen
const START_PATIENCE = 10_000; // ms for which storing waits for the model and Python, which need the same processor and connection
const LONGEST = 330_000; // ms for an answer of the service worker; browsers end its work after five minutes

/** @type {ServiceWorkerRegistration | undefined} */
let registration;

/**
 * Sends the service worker a request.
 * @param {{ type: string } & Record<string, unknown>} message
 * @param {number} [longest] ms to wait for the answer
 * @returns {Promise<any>}
 */
function ask(message, longest = LONGEST) {
  const worker = registration?.active;
  if (!worker) return Promise.reject(new Error('This browser cannot store this page for offline use.'));
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.value));
    worker.postMessage(message, [port2]);
    setTimeout(() => reject(new Error('The service worker does not answer.')), longest);
  });
}

/**
 * Resolves when no reload will follow any more, after half a minute at the latest: at once if a reload would gain nothing,
 * else after the service worker has reloaded the page. If a browser step never ends, the page runs without threads.
 * @returns {Promise<void>}
 */
export async function settle() {
  const registered = register();
  const stay = () => void registered.then((active) => (active ? started().then(check) : undefined)).catch(() => {});
  // A frame is isolated only if its parent is, and then from its first load on.
  if (globalThis.crossOriginIsolated || window !== window.top || hasReloaded()) return stay();
  if (!(await Promise.race([registered, after(PATIENCE)])) || !noteReload()) return stay();
  location.reload();
  await after(RELOAD_PATIENCE);
  window.stop(); // a reload that is still pending would interrupt the user's work
  stay();
}

/** @returns {Promise<boolean>} whether there is an active service worker; may never resolve */
async function register() {
  try {
    registration = await ownRegistration();
    if (registration?.active) return true; // `register` would wait for a look for a newer one, and that for the network
    await navigator.serviceWorker.register('sw.js', { updateViaCache: 'none' });
    registration = await navigator.serviceWorker.ready;
    return true;
  } catch {
    note('unsupported'); // no service workers here, a private window, or switched off
    return false;
  }
}

/** The service worker of this folder, not of one above. */
async function ownRegistration() {
  const found = await navigator.serviceWorker?.getRegistration();
  return found?.scope === SCOPE ? found : undefined;
}

/** @param {number} ms @returns {Promise<false>} */
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms, false));

/** Resolves once the page has started, as far as it can before the visitor agrees to a download. @returns {Promise<unknown>} */
function started() {
  const done = () => state.phase.value !== 'booting' || (state.consent.value !== null && !state.loading.value.python);
  const found = new Promise((resolve) => {
    const end = effect(() => {
      if (done()) queueMicrotask(() => resolve(end()));
    });
  });
  return Promise.race([after(START_PATIENCE), found]);
}

/** Whether this tab was reloaded before; true if the browser cannot remember it, since it might reload for ever. */
function hasReloaded() {
  try {
    return sessionStorage.getItem(RELOADED) !== null;
  } catch {
    return true;
  }
}

/** Remembers the reload. @returns {boolean} whether that worked */
function noteReload() {
  try {
    sessionStorage.setItem(RELOADED, 'yes');
  } catch {
    return false; // no space
  }
  return hasReloaded();
}

/** @param {import('./state.js').Offline['state']} what */
const note = (what) => void (state.offline.value = { ...state.offline.value, state: what });

/** Stores the page for offline use, or finds that a newer release is ready or the models have changed. */
async function check() {
  if (state.removed.value) return; // while the page started
  note('storing');
  try {
    const { ready, bytes, models } = await ask({ type: 'check', graphics: state.settings.value.device === 'webgpu' });
    state.offline.value = { state: 'stored', newer: ready, bytes, models: models || state.offline.value.models };
  } catch {
    note((await isKept()) ? 'stored' : 'failed');
  }
}

/** Whether a whole release is stored (see sw.js for the names). */
async function isKept() {
  const releases = await caches.match(`${SCOPE}releases`, { cacheName: `tokenlight state ${PATH}` });
  return Boolean(releases) && caches.has(`tokenlight shell ${PATH} ${(await releases?.json()).current}`);
}

/** Checks whether the page is still stored, and stores it if not: a browser short of space removes stored data. */
export async function recheck() {
  if (state.offline.value.state === 'stored' && !(await isKept())) await check();
}

/** Stores what WebGPU needs too, where the page is stored at all. */
export async function storeGraphics() {
  if (registration) await check();
}

/** Switches to the newer release and loads it. */
export async function switchRelease() {
  const version = state.offline.value.newer;
  if (!version) return;
  await ask({ type: 'switch', version }).then(() => location.reload(), check); // it may have been replaced by a still newer one
}

/**
 * Removes everything this site has stored here: releases (those of other tabs too), models, settings and the service worker.
 * @returns {Promise<string[]>} what the browser did not let the page remove
 */
export async function uninstall() {
  const left = new Set();
  const attempt = async (/** @type {string} */ what, /** @type {() => unknown} */ remove) => {
    try {
      await remove();
    } catch {
      left.add(what);
    }
  };
  const isOwn = (/** @type {string} */ name) => name.startsWith('tokenlight ') && name.split(' ')[2] === PATH;
  const empty = (/** @type {Storage} */ storage) => Object.keys(storage).filter(isOwn).forEach((key) => storage.removeItem(key));
  state.removed.value = true;
  await ask({ type: 'remove' }, PATIENCE).catch(() => {}); // it stores nothing from now on
  const [page, worker] = ['the page and its models', 'the service worker'];
  await attempt(page, async () => {
    for (const name of (await globalThis.caches?.keys()) ?? []) if (isOwn(name)) await attempt(page, () => caches.delete(name));
  });
  await attempt('settings and code', () => empty(localStorage));
  await attempt('the text of this tab', () => empty(sessionStorage));
  await attempt(worker, async () => {
    await (await ownRegistration())?.unregister();
  });
  note('unknown');
  return [...left];
}
