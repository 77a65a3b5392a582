// Loads a model's files: content-hashed chunks from Cache Storage or the network, each one verified; inference worker.

import { damaged, ModelError } from '../shared/manifest.js';
import { sha256OfBytes } from '../shared/sha256.js';

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
 * @returns {Promise<{ files: Map<string, Uint8Array<ArrayBuffer>>, kept: boolean }>} whole files by path; `kept` is false if the
 *   browser would not store them (private window, no space left)
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
  const jobs = new Map(); // by hash: chunks shared by several files are read once
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
  let failure = null; // if one chunk fails, the others stop after their current chunk, which is then kept
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
 * Reads one chunk into its place and verifies it. A stored chunk that is damaged is fetched; a fetched one that is damaged is fetched once more.
 * @param {Job} job
 * @param {string} folder
 * @param {Awaited<ReturnType<typeof openStore>>} store
 * @param {(bytes: number) => void} advance
 */
async function readChunk({ file, chunk, into }, folder, store, advance) {
  const stored = await store.get(chunk);
  if (stored) {
    if (stored.length === chunk.bytes && (await sha256OfBytes(stored)) === chunk.sha256) {
      into.set(stored);
      return advance(chunk.bytes);
    }
    await store.remove(chunk);
  }
  for (const attempt of [1, 2]) {
    const read = await download(folder + chunk.name, into, advance, attempt > 1);
    const copy = into.slice(); // until it collects garbage, the browser holds what it hashed or stored; of `into`, that would be the whole file
    if (read === chunk.bytes && (await sha256OfBytes(copy)) === chunk.sha256) return store.put(chunk, copy);
    advance(-Math.min(read, chunk.bytes));
  }
  throw damaged(`${file.path} does not match the manifest (chunk ${chunk.name}: wrong sha256)`);
}

/**
 * Streams one address into `into`; returns the number of bytes the server sent (including any beyond its end).
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
    if (!response.ok || !response.body) throw damaged(`${name} is missing (HTTP ${response.status})`);
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
    throw new ModelError(`The download of ${name} was interrupted. Check the connection and try again; finished parts are kept.`);
  }
  return read;
}

/**
 * Cache Storage for chunks, by hash. If the browser refuses (private window, quota), nothing is kept and `kept` is false.
 * @param {string} base
 */
async function openStore(base) {
  /** @type {Cache | undefined} */
  let cache;
  try {
    cache = await caches.open(cacheName(base));
  } catch {
    // this browser does not let the site store anything
  }
  const address = (/** @type {Chunk} */ chunk) => chunkAddress(base, chunk);
  const store = {
    kept: Boolean(cache),
    async get(/** @type {Chunk} */ chunk) {
      try {
        const response = await cache?.match(address(chunk));
        return response && new Uint8Array(await response.arrayBuffer());
      } catch {
        return undefined; // unreadable: it is fetched and stored anew
      }
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
