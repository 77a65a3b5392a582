// Boots Pyodide with numpy and pyscripts, and moves arrays out of Python; analysis worker and lab.

import './wasm_types.js';
import '../vendor/pyodide/pyodide.asm.js'; // or Pyodide would begin to load it later
import { loadPyodide } from '../vendor/pyodide/pyodide.js';
import { transfer } from '../vendor/comlink.min.js';
import { LIBRARIES, SITE_PACKAGES, preload } from './libraries.js';

/** @import {ForwardChunk, OnProgress, PyArray} from '../shared/protocol.js' */

const vendor = new URL('../vendor/', import.meta.url);
const indexURL = new URL('pyodide/', vendor).href;

/** One of this page's files for Python. @param {string} path below vendor/ */
async function file(path) {
  const url = new URL(path, vendor);
  const name = path.replace('pyodide/', '');
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { cache: 'no-cache' });
  } catch {
    throw new Error(`${name} could not be loaded. Check the connection, then try again.`);
  }
  if (response.ok) return response;
  console.error(`vendor/${path} is missing. Build it again: make vendor`);
  throw new Error(`A file of this page is missing: ${name} (HTTP ${response.status}).`);
}

/** Compiles a WebAssembly file; while it arrives, if the server says what it is. @param {string} path below vendor/ */
async function compiled(path) {
  const response = await file(path);
  const said = response.headers.get('content-type') === 'application/wasm';
  return said ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** The bytes of a gzip file, in a buffer of our own: a response's stays in memory after `transfer`. @param {Promise<Response>} response */
async function unzipped(response) {
  const { body } = await response;
  const stream = /** @type {ReadableStream} */ (body).pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).arrayBuffer()).slice();
}

/** This engine numbers functions differently, so the snapshot's pointers to them would be wrong. */
class OtherNumbers extends Error {}

/**
 * @param {OnProgress} onProgress
 * @returns {Promise<any>} Pyodide, in which numpy and pyscripts.page are imported; their files may not be there
 */
export async function bootPython(onProgress) {
  onProgress({ stage: 'Loading numpy' });
  const stored = unzipped(file('pyodide/snapshot.gz'));
  stored.catch(() => {}); // awaited later
  const modules = await Promise.all(LIBRARIES.map(({ file: path }) => compiled(`pyodide/${path}`)));
  onProgress({ stage: 'Starting Python' });
  const snapshot = await stored;
  const [functions] = new Uint32Array(snapshot, 0, 1);
  preload(modules, (found) => {
    if (found !== functions) throw new OtherNumbers();
  });
  try {
    const pyodide = await loadPyodide({ indexURL, _loadSnapshot: new Uint8Array(snapshot, 4) });
    pyodide.runPython('import random, numpy; random.seed(); numpy.random.seed()'); // the snapshot's are everybody's
    return pyodide;
  } catch (error) {
    if (error instanceof OtherNumbers) return await importedFromFiles(modules);
    throw error;
  } finally {
    snapshot.transfer(0); // Pyodide has copied it, but keeps it among its options
  }
}

/** A start without the snapshot, which takes longer. @param {WebAssembly.Module[]} modules of LIBRARIES @returns {Promise<any>} */
async function importedFromFiles(modules) {
  preload(modules, () => {});
  const pyodide = await loadPyodide({ indexURL });
  await unpackLibraries(pyodide);
  for (const { name } of LIBRARIES) {
    const path = `${SITE_PACKAGES}/${name}`;
    pyodide.FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
    pyodide.FS.writeFile(path, ''); // Python looks for it there, then takes the one that is loaded
  }
  pyodide.runPython('import importlib; importlib.invalidate_caches(); import numpy.random, pyscripts.page.session, pyscripts.page.lab_session');
  return pyodide;
}

/** Gives users' code what nothing of ours imports, and the sources of what it may import. @param {any} pyodide */
export async function unpackLibraries(pyodide) {
  const [numpy, pyscripts] = await Promise.all(['pyodide/numpy.zip', 'pyscripts.zip'].map(async (path) => (await file(path)).arrayBuffer()));
  pyodide.unpackArchive(numpy, 'zip', { extractDir: SITE_PACKAGES });
  pyodide.unpackArchive(pyscripts, 'zip', { extractDir: '/home/pyodide' });
}

/**
 * Copies a numpy array out of Python and releases it.
 * @param {any} array proxy of a C-contiguous array
 * @returns {PyArray}
 */
export function takeArray(array) {
  const view = array.getBuffer();
  const copy = { data: view.data.slice(), shape: [...view.shape] };
  view.release();
  array.destroy();
  return copy;
}

/**
 * @param {any} dict proxy of a dict of C-contiguous arrays
 * @returns {Record<string, PyArray>}
 */
export function takeArrays(dict) {
  const names = dict.keys(); // a proxy too: it would keep the arrays alive until JavaScript happens to collect it
  const arrays = Object.fromEntries(Array.from(names, (name) => [name, takeArray(dict.get(name))]));
  names.destroy();
  dict.destroy();
  return arrays;
}

/** The buffers of a run's new outputs, for what sent them. @param {ForwardChunk[]} chunks @param {number} wait see Taken in protocol.js */
export function givenBack(chunks, wait) {
  const buffers = chunks.map(({ logits }) => logits.buffer);
  return transfer({ buffers, wait }, buffers);
}

/**
 * The message of a Python error, without its traceback.
 * @param {unknown} error
 */
export function pythonMessage(error) {
  const lines = String(error instanceof Error ? error.message : error).trim().split('\n');
  return lines[lines.length - 1].replace(/^\w*(\.\w+)*(Error|Exception): /, '');
}
