// Service worker: adds isolation and security headers to every response, and stores the page for offline use.
//
// The page's files form a release: vendor/shell.json lists them all with their hashes. A release is served only once it
// is stored completely, and a newer one only when the user asks for it. A page and its workers keep the release they were
// opened with until a reload; an old release is deleted when no open page needs it. Model chunks are stored by the
// inference worker, not here. Only caches named after this site's path are touched.

const sw = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
sw.importScripts('headers.js');
/** @type {Record<string, string>} */
const HEADERS = /** @type {any} */ (self).RESPONSE_HEADERS;

const SCOPE = new URL(sw.registration.scope);
const PREFIX = `tokenlight shell ${SCOPE.pathname} `; // + version: the files of one release
const MARK = `tokenlight state ${SCOPE.pathname}`; // which release is served to which client; the models' JSON files
const RELEASES = new URL('releases', SCOPE).href; // not a file: the key under which `Releases` is kept
const OPENED = new URL('opened', SCOPE).href; // likewise: all `Opened`, by client id
const SHELL = new URL('vendor/shell.json', SCOPE).href;
const MODEL_JSON = /^models\/([\w.-]+\/)?[\w.-]+\.json$/;

const PATIENCE = 3000; // ms to wait for the network before a stored copy is used
const LONGEST = 30_000; // ms after which the request for a small file is cancelled
const AT_ONCE = 4; // files of a release fetched at the same time; browsers allow six connections to a server, and the page needs some

/**
 * Complete releases, by version. This is stored, since the browser may stop and restart a service worker at any time.
 * @typedef {{ current: string | null, waiting: string | null, bytes: number }} Releases
 */

/**
 * The release that a page or worker was opened with, and for a worker the client that started it. Stored by client id.
 * `since`: when it was opened; 0 for a page that the browser has listed.
 * @typedef {{ version: string, parent: string | null, since: number }} Opened
 */

let removed = false; // the user removed everything: open pages still work, but store nothing

sw.addEventListener('install', () => sw.skipWaiting());
// No clients.claim(): a page loaded from the network keeps using the network until it is reloaded.

sw.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
  if (request.headers.has('range')) return; // part of a file: only the server can answer
  event.respondWith(respond(event, url).then(withHeaders));
});

sw.addEventListener('message', (event) => {
  const { type, version, graphics } = event.data ?? {};
  const reply = (/** @type {{ value?: any, error?: string }} */ said) => event.ports[0]?.postMessage(said);
  const answer = (/** @type {Promise<any>} */ work) => event.waitUntil(work.then((value) => reply({ value }), (error) => reply({ error: String(error?.message ?? error) })));
  if (type === 'check') answer(check(event, graphics === true));
  if (type === 'switch') answer(inTurn(() => switchTo(version)));
  if (type === 'remove') {
    removed = true;
    opened = Promise.resolve(new Map());
    answer(Promise.resolve());
  }
});

/** @param {FetchEvent} event @param {URL} url */
async function respond(event, url) {
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (MODEL_JSON.test(path)) return described(event, url.origin + url.pathname);
  if (url.href === SHELL || path.startsWith('models/')) return fetch(event.request);
  const key = path === '' ? new URL('index.html', SCOPE).href : url.origin + url.pathname;
  const stored = await fromRelease(event, key).catch(() => undefined); // if Cache Storage fails, nothing is stored
  return stored ?? fetch(event.request);
}

/* ---------------------------------------------------------------- releases */

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/** Runs work that reads and changes `Releases` one at a time. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
function inTurn(work) {
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}

/** @returns {Promise<Releases>} */
async function readReleases() {
  const stored = await caches.match(RELEASES, { cacheName: MARK });
  return stored ? stored.json() : { current: null, waiting: null, bytes: 0 };
}

/** @param {Releases} releases */
async function writeReleases(releases) {
  await (await caches.open(MARK)).put(RELEASES, new Response(JSON.stringify(releases)));
}

/** @type {Promise<Map<string, Opened>> | undefined} */
let opened;

/** Read from the store once, when this service worker starts. */
const readOpened = () =>
  (opened ??= caches.match(OPENED, { cacheName: MARK })
    .then(async (stored) => new Map(Object.entries((await stored?.json()) ?? {})))
    .catch((error) => {
      opened = undefined; // the next request tries again
      throw error;
    }));

async function writeOpened() {
  const json = JSON.stringify(Object.fromEntries(await readOpened()));
  await (await caches.open(MARK)).put(OPENED, new Response(json));
}

/**
 * A file of the requesting client's release; undefined if nothing is stored for it.
 * @param {FetchEvent} event @param {string} key
 */
async function fromRelease(event, key) {
  const version = await (event.resultingClientId ? inTurn(() => openClient(event)) : releaseOf(event.clientId));
  if (!version) return undefined;
  const stored = await caches.match(key, { cacheName: PREFIX + version });
  if (stored || (await caches.has(PREFIX + version))) return stored;
  const { current } = await readReleases();
  return !current || version === current ? undefined : new Response('This version of the page was replaced. Reload the page.', { status: 503 });
}

/** Each step of Cache Storage counts here: a start asks for two hundred files. @param {string} client */
const releaseOf = async (client) => (await readOpened()).get(client)?.version ?? (await readReleases()).current;

/** A page gets the current release, a worker the release of the page that starts it. @param {FetchEvent} event */
async function openClient(event) {
  const parent = event.request.mode === 'navigate' ? null : event.clientId;
  const version = parent === null ? (await readReleases()).current : await releaseOf(parent);
  if (!version) return null;
  (await readOpened()).set(event.resultingClientId, { version, parent, since: Date.now() });
  event.waitUntil(writeOpened().catch(() => {})); // no space: remembered until this service worker stops
  return version;
}

/**
 * The releases of all open pages and workers, whatever `current` becomes; closed ones are forgotten. A worker lives as
 * long as its page. The browser is not asked for workers: Firefox waits for an answer from each of them, and an idle thread
 * of the inference engine never gives one.
 * @param {Releases} releases
 */
async function openReleases({ current }) {
  const all = await readOpened();
  const pages = new Set((await sw.clients.matchAll({ type: 'window', includeUncontrolled: true })).map(({ id }) => id));
  for (const id of pages) {
    const version = all.get(id)?.version ?? current;
    if (version) all.set(id, { version, parent: null, since: 0 });
  }
  /** @param {string} id @returns {boolean} */
  const isOpen = (id) => {
    const { parent, since } = all.get(id) ?? { parent: null, since: 0 };
    return pages.has(id) || (parent === null ? Date.now() - since < LONGEST : isOpen(parent)); // a page is listed some time after it is opened
  };
  for (const id of [...all.keys()].filter((each) => !isOpen(each))) all.delete(id);
  await writeOpened();
  return [...all.values()].map(({ version }) => version);
}

/** Serves another stored release to every page opened from now on. @param {string} version */
async function switchTo(version) {
  const releases = await readReleases();
  if (!(await caches.has(PREFIX + version))) throw new Error(`release ${version} is not stored`);
  await openReleases(releases);
  await writeReleases({ ...releases, current: version, waiting: null });
}

/** @typedef {{ path: string, bytes: number, sha256: string }} StoredFile */
/** @typedef {{ current: string | null, ready: string | null, bytes: number, models: boolean }} Checked `ready`: a newer version is stored; `models`: other models */

/** Without and with what WebGPU needs; shared by several tabs. @type {Map<boolean, Promise<Checked>>} */
const checking = new Map();

/**
 * Looks for a newer release and stores it completely. The first one is served at once, later ones when the user asks.
 * If a release is already stored, a slow network is not waited for.
 * @param {ExtendableMessageEvent} event @param {boolean} graphics whether what WebGPU needs is stored too
 */
function check(event, graphics) {
  removed = false;
  const under = checking.get(graphics) ?? lookForNewer(event, graphics).finally(() => checking.delete(graphics));
  checking.set(graphics, under);
  return under;
}

/** @param {ExtendableMessageEvent} event @param {boolean} graphics @returns {Promise<Checked>} */
async function lookForNewer(event, graphics) {
  const { current, waiting, bytes } = await readReleases();
  const newer = fetchShell(graphics).then(storeRelease);
  if (!current || !(await caches.has(PREFIX + current))) return newer;
  const stored = { current, ready: waiting, bytes, models: false };
  event.waitUntil(newer.catch(() => {}));
  const late = after(PATIENCE).then(() => (storing ? newer : stored));
  return Promise.race([newer, late]).catch(() => stored);
}

/**
 * vendor/shell.json, as export/site/shell.py writes it.
 * @param {boolean} graphics whether what WebGPU needs is wanted; else `optional` is empty
 * @returns {Promise<{ version: string, files: StoredFile[], optional: StoredFile[] }>}
 */
async function fetchShell(graphics) {
  const response = await fetch(SHELL, { cache: 'no-cache', signal: AbortSignal.timeout(LONGEST) });
  const { version, files, optional } = await response.json();
  const isFile = (/** @type {any} */ { path, bytes, sha256 }) =>
    new URL(path, SCOPE).href.startsWith(SCOPE.href) && Number.isInteger(bytes) && /^[0-9a-f]{64}$/.test(sha256);
  if (!/^[0-9a-f]{16}$/.test(version) || !files.length || ![...files, ...optional].every(isFile)) throw new Error('vendor/shell.json does not describe a release');
  return { version, files, optional: graphics ? optional : [] };
}

let storing = 0; // releases that are being stored now

/** @param {Awaited<ReturnType<typeof fetchShell>>} shell @returns {Promise<Checked>} */
async function storeRelease({ version, files, optional }) {
  storing++;
  try {
    const { current, waiting } = await readReleases();
    const known = (version === current || version === waiting) && (await caches.has(PREFIX + version));
    if (!known) await storeFiles(version, files, current, true);
    await storeFiles(version, optional, current, false).catch(() => {}); // the page works without it
  } finally {
    storing--;
  }
  const models = await keepDescriptions();
  const bytes = [...files, ...optional].reduce((sum, file) => sum + file.bytes, 0);
  return inTurn(async () => {
    if (removed) throw new Error('everything was removed meanwhile');
    const releases = await readReleases();
    const current = releases.current && (await caches.has(PREFIX + releases.current)) ? releases.current : version;
    const waiting = version === current ? null : version;
    const wanted = [current, waiting, ...(await openReleases(releases))].map((each) => PREFIX + each);
    await writeReleases({ current, waiting, bytes });
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && !wanted.includes(name)) await caches.delete(name);
    return { current, ready: waiting, bytes, models };
  });
}

/**
 * Every file of a release, each with the stated hash; files already stored, by an interrupted try or the current
 * release, are not fetched again.
 * @param {string} version @param {StoredFile[]} files @param {string | null} current @param {boolean} needed whether the page needs them
 */
async function storeFiles(version, files, current, needed) {
  const cache = await caches.open(PREFIX + version);
  const fits = async (/** @type {Response | undefined} */ response, /** @type {string} */ sha256) => Boolean(response?.ok) && (await digest(response)) === sha256;
  const store = async (/** @type {StoredFile} */ { path, sha256 }) => {
    const url = new URL(path, SCOPE).href;
    if (await cache.match(url)) return;
    const old = current ? await caches.match(url, { cacheName: PREFIX + current }) : undefined;
    const response = (await fits(old, sha256)) ? old : await fetch(url, { cache: 'no-cache' });
    if (response !== old && !(await fits(response, sha256))) throw new Error(`${path} does not belong to release ${version}. The site is being updated; try again later.`);
    try {
      await cache.put(url, withHeaders(/** @type {Response} */ (response)));
    } catch (error) {
      if (needed) await caches.delete(PREFIX + version); // no space: free what the incomplete release takes
      throw error;
    }
  };
  const queue = files.values(); // each file is taken from it once
  let failed = false;
  const storeFromQueue = async () => {
    for (const file of queue) {
      if (removed) throw new Error('everything was removed meanwhile');
      if (failed) return;
      await store(file).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, storeFromQueue));
}

/** @param {Response | undefined} response left unread */
async function digest(response) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', (await response?.clone().arrayBuffer()) ?? new ArrayBuffer(0)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* ------------------------------------------------------- models' JSON files */

/** Whether a file is what its name says, not a network's login or error page. @param {string} key @param {string} text */
function isExpected(key, text) {
  try {
    const json = JSON.parse(text);
    if (key.endsWith('/models/index.json')) return Array.isArray(json.models);
    return json.schema.startsWith(key.endsWith('/manifest.json') ? 'tokenlight.model/' : 'tokenlight.run/');
  } catch {
    return false;
  }
}

// Async, so that they reject in a browser where `caches` itself throws.
const isMarked = async () => caches.has(MARK);
const keptJson = async (/** @type {string} */ key) => caches.match(key, { cacheName: MARK });
const keepJson = async (/** @type {string} */ key, /** @type {Response} */ response) => (await caches.open(MARK)).put(key, response);

/**
 * From the store, which every visit brings up to date once the page has started; from the network if it is not there. A page
 * that does not find in it what it needs asks anew ('reload'), and gets the stored copy only if the network is slow or lies.
 * @param {FetchEvent} event @param {string} key the address without its query
 */
async function described(event, key) {
  const stored = await keptJson(key).catch(() => undefined);
  if (stored && event.request.cache !== 'reload') return stored;
  const stores = await isMarked().catch(() => false); // a page that outlives its stored release brings nothing back
  const fresh = fetchDescription(key, stores);
  event.waitUntil(fresh.catch(() => {}));
  if (!stored) return (await fresh).response;
  const answer = await Promise.race([fresh.catch(() => null), after(PATIENCE)]);
  return answer?.expected ? answer.response : stored;
}

/** @param {string} key @param {boolean} stores whether it is stored, if it is what its name says */
async function fetchDescription(key, stores) {
  const response = await fetch(key, { cache: 'no-cache', signal: AbortSignal.timeout(LONGEST) });
  const text = await response.clone().text();
  const expected = response.ok && isExpected(key, text);
  if (expected && stores && !removed) await keepJson(key, response.clone()).catch(() => {}); // no space: the page reports that for the model itself
  return { response, text, expected };
}

/** Stores the models' list, manifests and first example as they are now. @returns {Promise<boolean>} whether others were stored */
async function keepDescriptions() {
  let changed = false;
  const keep = async (/** @type {string} */ path) => {
    const { href } = new URL(path, SCOPE);
    const old = await (await keptJson(href))?.text();
    const fresh = await fetchDescription(href, true).catch((error) => {
      if (old === undefined) throw error;
    });
    if (!fresh?.expected) return old;
    changed ||= old !== undefined && old !== fresh.text;
    return fresh.text;
  };
  const { models } = JSON.parse((await keep('models/index.json')) ?? '{}');
  const folders = Array.isArray(models) ? models.map((model) => `models/${model?.id}/`).filter((folder) => MODEL_JSON.test(`${folder}manifest.json`)) : [];
  const [manifest] = await Promise.all(folders.map((folder) => keep(`${folder}manifest.json`)));
  const shown = new URL(`${folders[0]}${JSON.parse(manifest ?? '{}').examples?.[0]?.name}`, SCOPE).href; // at the start of a visit; named by its hash
  if (MODEL_JSON.test(shown.slice(SCOPE.href.length)) && !(await keptJson(shown))) await fetchDescription(shown, true).catch(() => {}); // the page works without it
  return changed;
}

/** @param {number} ms @returns {Promise<null>} */
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null));

/**
 * The response with the headers. One that has them stays as it is: browsers keep compiled code only for what a service
 * worker passes on unchanged from the network or its store. (One that was redirected is no answer to a navigation.)
 * @param {Response} response
 */
function withHeaders(response) {
  if (response.type === 'opaque' || response.type === 'opaqueredirect' || response.type === 'error') return response;
  if (!response.redirected && Object.entries(HEADERS).every(([name, value]) => response.headers.get(name) === value)) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const body = [101, 204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}
