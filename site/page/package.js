// The page with its current model as one zip, for machines without a network; loaded when it is asked for; main thread.

import { fetchModelFiles } from '../inference/model_files.js';
import { MODELS } from '../shared/manifest.js';
import { sha256OfBytes } from '../shared/sha256.js';
import { downloadZip } from '../vendor/client-zip.js';
import * as state from './state.js';

/** @import {Manifest} from '../shared/protocol.js' */

const SITE = new URL('..', import.meta.url).href;
const SHELL = 'vendor/shell.json'; // every file of this release but those of the service worker
const WORKER = ['sw.js', 'headers.js'];

/** @typedef {{ name: string, input: Uint8Array<ArrayBuffer> | string }} Entry a file of the archive */

/**
 * The archive, with the model that answers now. Rejects if a file cannot be had as this release states it.
 * @param {(done: number) => void} onProgress bytes so far
 */
export async function packPage(onProgress) {
  const loaded = state.model.value;
  if (!loaded) throw new Error('No model is loaded yet.');
  let done = 0;
  const entries = async function* () {
    for await (const { name, input } of pageFiles()) {
      yield { name, input };
      onProgress((done += input.length));
    }
    for await (const { name, input } of modelFiles(loaded.manifest)) {
      yield { name: `models/${name}`, input };
      onProgress((done += input.length));
    }
  };
  const named = async function* () {
    for await (const { name, input } of entries()) yield { name: `tokenlight/${name}`, input };
  };
  return downloadZip(named()).blob();
}

/** @returns {AsyncGenerator<Entry>} */
async function* pageFiles() {
  const shell = await bytesOf(SHELL);
  const { files, optional } = JSON.parse(new TextDecoder().decode(shell));
  yield { name: SHELL, input: shell };
  for (const name of WORKER) yield { name, input: await bytesOf(name) };
  for (const { path, sha256: expected } of files) {
    const input = await bytesOf(path);
    if ((await sha256OfBytes(input)) !== expected) throw new Error('The site has changed since this page was loaded. Reload the page and try again.');
    yield { name: path, input };
  }
  for (const { path, sha256: expected } of optional) {
    const input = await bytesOf(path).catch(() => null); // not stored: it cannot be had without a network
    if (input && (await sha256OfBytes(input)) === expected) yield { name: path, input };
  }
}

/** @param {Manifest} manifest @returns {AsyncGenerator<Entry>} */
async function* modelFiles(manifest) {
  const { id } = manifest;
  const index = JSON.parse(new TextDecoder().decode(await bytesOf('models/index.json')));
  const models = index.models.filter((/** @type {{ id: string }} */ entry) => entry.id === id);
  yield { name: 'index.json', input: JSON.stringify({ ...index, models: models.map((/** @type {object} */ entry) => ({ ...entry, default: true })) }) };
  yield { name: `${id}/manifest.json`, input: await bytesOf(`models/${id}/manifest.json`) };
  for (const { name } of manifest.examples ?? []) yield { name: `${id}/${name}`, input: await bytesOf(`models/${id}/${name}`) };
  const { files } = await fetchModelFiles(manifest, MODELS, { onProgress: () => {} });
  const written = new Set();
  for (const { path, chunks } of manifest.files) {
    const whole = /** @type {Uint8Array<ArrayBuffer>} */ (files.get(path));
    let at = 0;
    for (const chunk of chunks) {
      const input = whole.subarray(at, (at += chunk.bytes));
      if (!written.has(chunk.name)) yield { name: `${id}/${chunk.name}`, input };
      written.add(chunk.name);
    }
  }
}

/** @param {string} path of a file of this site */
async function bytesOf(path) {
  const response = await fetch(new URL(path, SITE)).catch(() => null);
  if (!response?.ok) throw new Error(`${path} could not be loaded. Check the connection, then try again.`);
  return new Uint8Array(await response.arrayBuffer());
}
