// Fetches the first example of the model that will be loaded while the page's other modules are on their way; main thread.

import { fetchIndex, fetchManifest, MODELS } from '../shared/manifest.js';

/** @import {Manifest} from '../shared/protocol.js' */

/** @typedef {{ manifest: Manifest, run: any }} First `run`: the first example's Run, null if the model has none */

/** @returns {Promise<First | null>} null if this site has no model */
async function fetchFirst() {
  const models = await fetchIndex(MODELS);
  const asked = new URLSearchParams(location.hash.slice(1)).get('model');
  const entry = models.find(({ id }) => id === asked) ?? models[0];
  if (!entry) return null;
  const manifest = await fetchManifest(MODELS, entry.id);
  const [example] = manifest.examples ?? [];
  return { manifest, run: example ? await fetchExample(manifest, example.name) : null };
}

/** A finished example's Run; null if it is not there. @param {Manifest} manifest @param {string} name @returns {Promise<any>} */
export async function fetchExample(manifest, name) {
  const response = await fetch(new URL(`${manifest.id}/${name}`, MODELS));
  return response.ok ? response.json() : null;
}

/** What fails is missing only from the first look: loading the model reports it. */
export const first = fetchFirst().catch(() => null);
