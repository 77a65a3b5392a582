// Service worker: isolation and security headers on every response, and the page itself kept for offline use.
//
// The page's files form a release: vendor/shell.json lists them all with their hashes. A release is stored whole, under
// a name that carries its version, before a single file of it is served; until the person says so, the old one stays.
// A model's chunks are not its business: the inference worker stores them. Only names of this site's path are touched.

const sw = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
sw.importScripts('headers.js');
/** @type {Record<string, string>} */
const HEADERS = /** @type {any} */ (self).RESPONSE_HEADERS;

const SCOPE = new URL(sw.registration.scope);
const PREFIX = `tokenlight shell ${SCOPE.pathname} `; // + version: one release
const MARK = `tokenlight state ${SCOPE.pathname}`; // which release is served; the models' JSON files, for offline use
const SHELL = new URL('vendor/shell.json', SCOPE).href;
const CURRENT = new URL('current-release', SCOPE).href; // not a file: the key under which the version is kept
const MODEL_JSON = /^models\/([\w.-]+\/)?[\w.-]+\.json$/;

sw.addEventListener('install', () => sw.skipWaiting());
sw.addEventListener('activate', (event) => event.waitUntil(sw.clients.claim()));

sw.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
  event.respondWith(respond(event.request, url).then(withHeaders));
});

sw.addEventListener('message', (event) => {
  const { type } = event.data ?? {};
  const answer = (/** @type {Promise<any>} */ work) =>
    event.waitUntil(work.then((value) => event.ports[0]?.postMessage({ value }), (error) => event.ports[0]?.postMessage({ error: String(error?.message ?? error) })));
  if (type === 'check') answer(check());
  if (type === 'switch') answer(switchTo(event.data.version));
});

/** @param {Request} request @param {URL} url */
async function respond(request, url) {
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (MODEL_JSON.test(path)) return networkFirst(request);
  if (url.href === SHELL || path.startsWith('models/')) return fetch(request);
  const release = await currentRelease();
  const key = path === '' ? new URL('index.html', SCOPE).href : url.origin + url.pathname;
  return (release && (await release.match(key))) ?? fetch(request);
}

/** @param {Request} request */
async function networkFirst(request) {
  const cache = await caches.open(MARK);
  const key = request.url.split('?')[0];
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(key, response.clone()).catch(() => {}); // no room: the page says so for the model itself
    return response;
  } catch (error) {
    const kept = await cache.match(key);
    if (kept) return kept;
    throw error;
  }
}

/** Keeps the models' list and manifests: on a server that isolates, the page fetched them before there was this worker. */
async function keepDescriptions() {
  const cache = await caches.open(MARK);
  const keep = async (/** @type {string} */ path) => {
    const { href } = new URL(path, SCOPE);
    return (await cache.match(href)) ?? networkFirst(new Request(href, { cache: 'no-cache' }));
  };
  const index = await keep('models/index.json');
  const { models } = index.ok ? await index.json().catch(() => ({})) : {};
  const paths = Array.isArray(models) ? models.map((model) => `models/${model?.id}/manifest.json`) : [];
  for (const path of paths) if (MODEL_JSON.test(path)) await keep(path);
}

/** @param {Response} response */
function withHeaders(response) {
  if (response.type === 'opaque' || response.type === 'opaqueredirect' || response.type === 'error') return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const body = [101, 204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

async function currentVersion() {
  const mark = await (await caches.open(MARK)).match(CURRENT);
  return mark ? mark.text() : null;
}

async function currentRelease() {
  const version = await currentVersion();
  return version && (await caches.has(PREFIX + version)) ? caches.open(PREFIX + version) : null;
}

/**
 * Looks for a newer release and stores it whole. The first one is served at once, a later one when the person says so.
 * @returns {Promise<{ current: string | null, ready: string | null, bytes: number }>} `ready`: a newer version waits
 */
async function check() {
  const response = await fetch(SHELL, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`vendor/shell.json is missing (HTTP ${response.status})`);
  const { version, files } = await response.json();
  const bytes = files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.bytes, 0);
  await keepDescriptions();
  const current = await currentVersion();
  if (current === version && (await caches.has(PREFIX + version))) return { current, ready: null, bytes };
  await store(version, files);
  if (current) return { current, ready: version, bytes };
  await switchTo(version);
  return { current: version, ready: null, bytes };
}

/** @param {string} version @param {{ path: string, sha256: string }[]} files */
async function store(version, files) {
  const name = PREFIX + version;
  const unfinished = `${name} unfinished`;
  const old = await currentRelease();
  await caches.delete(unfinished);
  const cache = await caches.open(unfinished);
  /** @type {[string, Response][]} */
  const fetched = [];
  for (const { path, sha256 } of files) {
    const url = new URL(path, SCOPE).href;
    const kept = await old?.match(url);
    if (kept && (await digest(kept.clone())) === sha256) {
      fetched.push([url, kept]);
      continue;
    }
    const response = await fetch(url, { cache: 'no-cache' });
    if (!response.ok || (await digest(response.clone())) !== sha256) {
      await caches.delete(unfinished);
      throw new Error(`${path} does not belong to release ${version}; the site is being updated, try again later`);
    }
    fetched.push([url, response]);
  }
  await Promise.all(fetched.map(([url, response]) => cache.put(url, response)));
  const final = await caches.open(name); // complete: give it its name
  for (const request of await cache.keys()) await final.put(request, /** @type {Response} */ (await cache.match(request)));
  await caches.delete(unfinished);
}

/** @param {string} version */
async function switchTo(version) {
  if (!(await caches.has(PREFIX + version))) throw new Error(`release ${version} is not stored`);
  await (await caches.open(MARK)).put(CURRENT, new Response(version));
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== PREFIX + version) await caches.delete(name);
}

/** @param {Response} response */
async function digest(response) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
