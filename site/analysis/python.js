// Boots Pyodide with numpy and pyscripts, and moves arrays out of Python; analysis worker.

import './wasm_types.js';
import { loadPyodide } from '../vendor/pyodide/pyodide.js';

/** @import {OnProgress, PyArray} from '../shared/protocol.js' */

/**
 * @param {OnProgress} onProgress
 * @returns {Promise<any>} a pyscripts.page.session.Session
 */
export async function bootPython(onProgress) {
  onProgress({ stage: 'Starting Python' });
  const sources = fetch(new URL('../vendor/pyscripts.zip', import.meta.url), { cache: 'no-cache' });
  const pyodide = await loadPyodide({ indexURL: new URL('../vendor/pyodide/', import.meta.url).href });
  onProgress({ stage: 'Loading numpy' });
  await pyodide.loadPackage('numpy', { messageCallback() {}, errorCallback() {}, checkIntegrity: true });
  if (!pyodide.loadedPackages.numpy) throw new Error('numpy could not be loaded. Check the connection, then try again.');
  const response = await sources;
  if (!response.ok) {
    console.error('vendor/pyscripts.zip is missing. Build it again: make vendor');
    throw new Error(`A file of this page is missing: vendor/pyscripts.zip (HTTP ${response.status}).`);
  }
  pyodide.unpackArchive(await response.arrayBuffer(), 'zip', { extractDir: '/home/pyodide' });
  return pyodide.pyimport('pyscripts.page.session').Session();
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

/**
 * The message of a Python error, without its traceback.
 * @param {unknown} error
 */
export function pythonMessage(error) {
  const lines = String(error instanceof Error ? error.message : error).trim().split('\n');
  return lines[lines.length - 1].replace(/^\w*(\.\w+)*(Error|Exception): /, '');
}
