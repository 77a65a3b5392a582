// The models stored in this browser: their sizes, and deleting them; main thread.

import { cacheName, chunkAddress } from '../inference/model_files.js';
import { fetchManifest, MODELS } from '../shared/manifest.js';
import * as state from './state.js';

/** @import {Chunk} from '../shared/protocol.js' */

/** Asks the browser to keep what is stored even when it is short of space; it may ask the visitor. */
export async function askToPersist() {
  state.persistent.value = await navigator.storage?.persist?.().catch(() => null) ?? null;
}

/** Finds out whether it has promised that. */
export async function refreshPersistent() {
  state.persistent.value = await navigator.storage?.persisted?.().catch(() => null) ?? null;
}

/** Finds which models are stored, wholly or partly; chunks shared by several models are not counted. */
export async function refreshStored() {
  const [manifests, kept] = await Promise.all([allManifests(), storedChunks()]);
  const sizes = manifests.map(([id, chunks]) => {
    const own = chunks.filter((chunk) => !sharedWithOthers(manifests, id).has(chunk.sha256));
    const size = (/** @type {Chunk[]} */ list) => list.reduce((sum, chunk) => sum + chunk.bytes, 0);
    return /** @type {const} */ ([id, { bytes: size(own.filter((chunk) => kept.has(chunkAddress(MODELS, chunk)))), total: size(own) }]);
  });
  state.stored.value = new Map(sizes);
}

/** Whether all of a model is kept in this browser, as far as that is known. @param {string} id */
export function isStored(id) {
  const kept = state.stored.value.get(id);
  return kept !== undefined && kept.total > 0 && kept.bytes === kept.total;
}

/** Every model's chunks; none for a model whose manifest cannot be read. @returns {Promise<[string, Chunk[]][]>} */
function allManifests() {
  const chunksOf = (/** @type {string} */ id) => fetchManifest(MODELS, id).then((manifest) => manifest.files.flatMap((file) => file.chunks), () => []);
  return Promise.all(state.models.value.map(async ({ id }) => /** @type {[string, Chunk[]]} */ ([id, await chunksOf(id)])));
}

/** @param {[string, Chunk[]][]} manifests @param {string} id */
function sharedWithOthers(manifests, id) {
  return new Set(manifests.filter(([other]) => other !== id).flatMap(([, chunks]) => chunks.map((chunk) => chunk.sha256)));
}

/** The addresses of all stored chunks; none if the browser does not let this site store data. @returns {Promise<Set<string>>} */
async function storedChunks() {
  const name = cacheName(MODELS);
  try {
    if (!(await caches.has(name))) return new Set();
    return new Set((await (await caches.open(name)).keys()).map((request) => request.url));
  } catch {
    return new Set();
  }
}

/** Deletes a model's chunks, except those that another model shares. @param {string} id */
export async function deleteStored(id) {
  const manifests = await allManifests();
  const shared = sharedWithOthers(manifests, id);
  const cache = await caches.open(cacheName(MODELS));
  for (const chunk of new Map(manifests).get(id) ?? []) if (!shared.has(chunk.sha256)) await cache.delete(chunkAddress(MODELS, chunk));
  await refreshStored();
}

/** Records that nothing is stored any more. */
export const forgetStored = () => void (state.stored.value = new Map());
