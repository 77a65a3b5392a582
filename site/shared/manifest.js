// Reads and checks models/index.json and a model's manifest.json; runs in the inference worker and on the main thread.
// The files are treated as hostile: a wrong one ends in one clear sentence, never in a half-loaded model.

import { parseJson } from './json_text.js';

/** @import {Manifest, ModelEntry} from './protocol.js' */

/** Address of the models folder, ending in a slash. */
export const MODELS = new URL('../models/', import.meta.url).href;

const [INDEX_SCHEMA, MODEL_SCHEMA] = ['tokenlight.models/1', 'tokenlight.model/3']; // as in export/library.py
const INDEX = "This site's list of models is";
const MAX_MODEL_BYTES = 4e9; // wasm32 cannot address more
const MAX_CHUNK_BYTES = 32e6;
const LONGEST = 30_000; // ms for a small file

/** Something is wrong with a model or its files; the message can be shown as it is. */
export class ModelError extends Error {
  /** @override */
  name = 'ModelError';
}

/** The name of the error for a file that the site does not have. */
export const MISSING = 'MissingFile';

/**
 * The error for files that cannot be used. The command that repairs them goes to the console: it is for the site's
 * operator, not for visitors.
 * @param {string} what what is wrong, without a full stop
 * @param {string} [whose]
 */
export function damaged(what, whose = "This model's files are") {
  console.error(`${what}. Build the model again: python export/build.py --force <model>`);
  return new ModelError(`${whose} damaged or outdated: ${what}.`);
}

/**
 * Checks a file's schema. A newer one is no damage: the page is older than the files, for example because it is stored.
 * @param {unknown} found @param {string} known @param {string} what the file's name in messages @param {string} needs whose need is said
 * @param {string} [whose] see damaged
 */
function checkSchema(found, known, what, needs, whose) {
  if (found === known) return;
  const [[name, number], [own, ownNumber]] = [String(found), known].map((schema) => schema.split('/'));
  if (name === own && Number(number) > Number(ownNumber)) throw new ModelError(`${needs} a newer version of this page. Reload it and, if it offers a new version, press “Use it now”.`);
  throw damaged(`${what} is not usable, since its schema is not ${known}`, whose);
}

/**
 * @param {string} url
 * @param {string} what the file's name in messages
 * @param {boolean} anew past the service worker's store
 * @param {string} [whose] see damaged
 * @returns {Promise<any>}
 */
async function fetchJson(url, what, anew, whose) {
  let response;
  try {
    response = await fetch(url, { cache: anew ? 'reload' : 'no-store', signal: AbortSignal.timeout(LONGEST) });
  } catch {
    throw new ModelError(`${what} could not be fetched. Check the connection, then try again.`);
  }
  if (!response.ok) throw Object.assign(new ModelError(`${what} is missing (HTTP ${response.status}).`), { name: MISSING });
  const text = await response.text().catch(() => ''); // it was cut off
  try {
    return parseJson(text);
  } catch (error) {
    throw damaged(`${what} ${/** @type {SyntaxError} */ (error).message}`, whose);
  }
}

/**
 * The models this site offers; an empty list if none has been built.
 * @param {string} base address of the models folder, ending in a slash
 * @param {string | null} [wanted] a model: a stored list that does not have it may be older than the model
 * @returns {Promise<ModelEntry[]>}
 */
export async function fetchIndex(base, wanted = null) {
  const models = await readIndex(base, false);
  return wanted === null || models.some(({ id }) => id === wanted) ? models : readIndex(base, true);
}

/** @param {string} base @param {boolean} anew @returns {Promise<ModelEntry[]>} */
async function readIndex(base, anew) {
  let index;
  try {
    index = await fetchJson(new URL('index.json', base).href, 'models/index.json', anew, INDEX);
  } catch (error) {
    if (!/HTTP 404/.test(String(error))) throw error;
    console.error('models/index.json is missing. Build a model: python export/build.py <model>');
    return [];
  }
  checkSchema(index?.schema, INDEX_SCHEMA, 'models/index.json', "This site's list of models needs", INDEX);
  const models = index?.models;
  if (!Array.isArray(models)) throw damaged('models/index.json has no list of models', INDEX);
  return models.filter((model) => {
    const usable = isId(model?.id) && typeof model.name === 'string';
    if (!usable) console.error(`models/index.json lists a model whose id or name cannot be used: ${JSON.stringify(model)?.slice(0, 200)}`);
    return usable;
  });
}

/**
 * @param {string} base
 * @param {string} id
 * @param {boolean} [anew] past the service worker's store
 * @returns {Promise<Manifest>}
 */
export async function fetchManifest(base, id, anew = false) {
  if (!isId(id)) throw new ModelError(`“${String(id).slice(0, 60)}” is not a model's name.`);
  const manifest = await fetchJson(new URL(`${id}/manifest.json`, base).href, `models/${id}/manifest.json`, anew);
  return checkManifest(manifest, id);
}

/** @param {unknown} id */
const isId = (id) => typeof id === 'string' && /^[a-z0-9][a-z0-9._-]{0,80}$/.test(id);

/**
 * @param {any} manifest
 * @param {string} id
 * @returns {Manifest}
 */
function checkManifest(manifest, id) {
  const fail = (/** @type {string} */ what) => {
    throw damaged(`models/${id}/manifest.json is not usable, since ${what}`);
  };
  checkSchema(manifest?.schema, MODEL_SCHEMA, `models/${id}/manifest.json`, 'This model needs');
  if (manifest.id !== id) fail('it names another model');
  const limits = { layers: 512, heads: 1024, kv_heads: 1024, head_size: 4096, hidden_size: 65536, vocab_size: 2 ** 21, context_length: 2 ** 21 };
  for (const [name, most] of Object.entries(limits)) {
    const value = manifest[name];
    if (!Number.isInteger(value) || value < 1 || value > most) fail(`${name} is ${JSON.stringify(value)}`);
  }
  const { inputs, outputs, cache, files, layers, vocab_size, prefix, windows, eos, examples = [], reference } = manifest;
  const isToken = (/** @type {unknown} */ token) => Number.isInteger(token) && Number(token) >= 0 && Number(token) < vocab_size;
  if (typeof manifest.name !== 'string' || manifest.name.length > 200) fail('it has no name');
  if (prefix !== null && (!isToken(prefix?.id) || typeof prefix.text !== 'string')) fail('prefix is not a token of the model');
  if (!Array.isArray(windows) || windows.length !== layers || !windows.every((width) => width === null || (Number.isInteger(width) && width > 0))) fail('windows do not fit its layers');
  if (!Array.isArray(eos) || !eos.every(Number.isInteger)) fail('eos is not a list of token ids');
  if (!Array.isArray(examples) || !examples.every((example) => /^[0-9a-f]{16,64}\.json$/.test(example?.name))) fail('an example has an unsafe name');
  if (reference && !(Array.isArray(reference.ids) && reference.ids.length > 2 && reference.ids.every(isToken) && reference.logprob?.length === reference.ids.length - 1)) fail('its reference is no text');
  const lists = [[inputs?.past, layers], [cache?.recent, layers], [cache?.added, layers], [outputs?.attentions, layers], [outputs?.hidden_states, layers + 1]];
  if (lists.some(([list, length]) => !Array.isArray(list) || list.length !== length)) fail('its inputs and outputs do not fit its layers');
  if (!Array.isArray(files) || !files.length || files.length > 16) fail('it lists no files');
  let all = 0;
  for (const file of files) {
    if (typeof file?.path !== 'string' || !/^[\w-]+(\.[\w-]+)+$/.test(file.path)) fail('a file has an unsafe name');
    if (!Array.isArray(file.chunks) || file.chunks.length > 1024) fail(`${file.path} has no list of chunks`);
    let bytes = 0;
    for (const chunk of file.chunks) {
      if (!/^[0-9a-f]{16,64}\.bin$/.test(chunk?.name) || !/^[0-9a-f]{64}$/.test(chunk?.sha256)) fail(`a chunk of ${file.path} has an unsafe name or no sha256`);
      if (!Number.isInteger(chunk.bytes) || chunk.bytes < 1 || chunk.bytes > MAX_CHUNK_BYTES) fail(`a chunk of ${file.path} has a wrong size`);
      bytes += chunk.bytes;
    }
    if (bytes !== file.bytes) fail(`the chunks of ${file.path} do not add up to its size`);
    all += bytes;
  }
  if (all > MAX_MODEL_BYTES) fail('it is larger than a browser can hold');
  const weights = files.find((/** @type {any} */ { path }) => path === 'weights.bin')?.bytes ?? 0;
  if (manifest.decode !== undefined && !isDecodable(manifest.decode, weights)) fail('its description of weights.bin is wrong');
  return manifest;
}

const TYPE_BYTES = new Map([['int8', 1], ['uint8', 1], ['int16', 2], ['float16', 2], ['float32', 4]]);

/** Whether every part of every matrix lies inside weights.bin. @param {any} decode @param {number} weights its bytes */
function isDecodable(decode, weights) {
  const isWhole = (/** @type {unknown} */ value, least = 0, most = MAX_MODEL_BYTES) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  const isPart = (/** @type {any} */ part) => {
    const size = TYPE_BYTES.get(part?.type) ?? NaN;
    return isWhole(part?.at) && isWhole(part.bytes) && part.at + part.bytes <= weights && part.at % size === 0 && part.bytes % size === 0;
  };
  const isMatrix = (/** @type {any} */ tensor) => {
    const { at, shape, axis, block, parts } = tensor ?? {};
    if (!Array.isArray(shape) || shape.length !== 2 || !shape.every((size) => isWhole(size, 1)) || !isWhole(at) || at + 4 * shape[0] * shape[1] > decode.bytes) return false;
    if (parts?.half) return isPart(parts.half);
    return [0, 1].includes(axis) && isWhole(block, 1) && Boolean(parts?.codes && parts.scale) && Object.values(parts).every(isPart);
  };
  const names = decode?.on_processor ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return false;
  return typeof decode?.file === 'string' && isWhole(decode.bytes) && Array.isArray(decode.tensors) && decode.tensors.every(isMatrix);
}
