// Brings a model's files into memory: content-hashed chunks from Cache Storage or the network, each one verified;
// runs in the inference worker.

import { ModelError } from '../shared/manifest.js';

/** @import {Manifest, ModelFile, Chunk, OnProgress} from '../shared/protocol.js' */

const PARALLEL = 4;

/** @typedef {{ file: ModelFile, chunk: Chunk, into: Uint8Array<ArrayBuffer>, copies: Uint8Array<ArrayBuffer>[] }} Job */

/** Cache names carry the site's path, since several project sites share one origin. */
export const cacheName = (/** @type {string} */ base) => `tokenlight models ${new URL('..', base).pathname}`;

/** The key under which a chunk is stored: by hash, so that equal chunks of any model or build are one. */
export const chunkAddress = (/** @type {string} */ base, /** @type {Chunk} */ chunk) => new URL(`chunk/${chunk.sha256}`, base).href;

/**
 * @param {Manifest} manifest
 * @param {string} base address of the models folder, ending in a slash
 * @param {{ onProgress: OnProgress }} how
 * @returns {Promise<{ files: Map<string, Uint8Array<ArrayBuffer>>, kept: boolean }>} whole files by path; `kept` is false where the
 *   browser would not store them (private window, no room left)
 */
export async function fetchModelFiles(manifest, base, { onProgress }) {
  const store = await openStore(base);
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  let loaded = 0;
  const started = performance.now();
  const advance = (/** @type {number} */ bytes) => {
    loaded += bytes;
    const rate = loaded / ((performance.now() - started) / 1000);
    onProgress({ stage: 'Loading the model', loaded, total, rate, left: (total - loaded) / rate });
  };
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const files = new Map();
  /** @type {Map<string, Job>} */
  const jobs = new Map(); // by hash: what several files have in common is read once
  for (const file of manifest.files) {
    const bytes = new Uint8Array(file.bytes);
    files.set(file.path, bytes);
    let offset = 0;
    for (const chunk of file.chunks) {
      const into = bytes.subarray(offset, offset + chunk.bytes);
      const same = jobs.get(chunk.sha256);
      if (same && same.chunk.bytes === chunk.bytes) same.copies.push(into);
      else jobs.set(chunk.sha256, { file, chunk, into, copies: [] });
      offset += chunk.bytes;
    }
  }
  const queue = [...jobs.values()];
  /** @type {unknown} */
  let failure = null; // a chunk that cannot be had ends the others after the one they are at, which is then kept
  const work = async () => {
    for (let job = queue.shift(); job && !failure; job = queue.shift()) {
      try {
        await readChunk(job, `${base}${manifest.id}/`, store, advance);
      } catch (error) {
        failure ??= error;
        return;
      }
      for (const copy of job.copies) {
        copy.set(job.into);
        advance(copy.length);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  if (failure) throw failure;
  return { files, kept: store.kept };
}

/**
 * One chunk into its place, verified. A stored chunk that is damaged is fetched again; a fetched one is tried twice.
 * @param {Job} job
 * @param {string} folder
 * @param {Awaited<ReturnType<typeof openStore>>} store
 * @param {(bytes: number) => void} advance
 */
async function readChunk({ file, chunk, into }, folder, store, advance) {
  const stored = await store.get(chunk);
  if (stored) {
    into.set(stored.subarray(0, into.length));
    if (stored.length === chunk.bytes && (await sha256(into)) === chunk.sha256) return advance(chunk.bytes);
    await store.remove(chunk);
  }
  for (const attempt of [1, 2]) {
    const read = await download(folder + chunk.name, into, advance, attempt > 1);
    if (read === chunk.bytes && (await sha256(into)) === chunk.sha256) return store.put(chunk, into);
    advance(-Math.min(read, chunk.bytes));
  }
  throw new ModelError(`${file.path} is damaged: chunk ${chunk.name} does not have the sha256 that the manifest states. Reload to try again, or build the model again.`);
}

/**
 * Streams one address into `into`; returns the number of bytes the server sent (counting those beyond its end).
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} into
 * @param {(bytes: number) => void} advance
 * @param {boolean} again
 */
async function download(url, into, advance, again) {
  let read = 0;
  const name = new URL(url).pathname.split('/').slice(-2).join('/');
  try {
    const response = await fetch(url, { cache: again ? 'reload' : 'no-store' });
    if (!response.ok || !response.body) throw new ModelError(`${name} is missing (HTTP ${response.status}): build the model again, or copy all of its files.`);
    const reader = response.body.getReader(); // WebKit's streams cannot be iterated with `for await`
    for (let { value: piece } = await reader.read(); piece; { value: piece } = await reader.read()) {
      if (read + piece.length <= into.length) into.set(piece, read);
      const counted = Math.min(piece.length, Math.max(0, into.length - read));
      read += piece.length;
      advance(counted);
      if (read > into.length) {
        await reader.cancel();
        break;
      }
    }
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`The download of ${name} broke off: check the connection and try again; what has arrived is kept.`);
  }
  return read;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} hex digest
 */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Cache Storage as a place for chunks, by hash. Where the browser refuses (private window, quota) it keeps nothing and says so in `kept`.
 * @param {string} base
 */
async function openStore(base) {
  /** @type {Cache | undefined} */
  let cache;
  try {
    cache = await caches.open(cacheName(base));
  } catch {
    // this browser lets the site store nothing
  }
  const address = (/** @type {Chunk} */ chunk) => chunkAddress(base, chunk);
  const store = {
    kept: Boolean(cache),
    async get(/** @type {Chunk} */ chunk) {
      const response = await cache?.match(address(chunk)).catch(() => undefined);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    async put(/** @type {Chunk} */ chunk, /** @type {Uint8Array<ArrayBuffer>} */ bytes) {
      try {
        if (store.kept) await cache?.put(address(chunk), new Response(new Blob([bytes])));
      } catch {
        store.kept = false;
      }
    },
    async remove(/** @type {Chunk} */ chunk) {
      await cache?.delete(address(chunk)).catch(() => false);
    },
  };
  return store;
}
