// Writes what Python's memory holds once our code is imported, so that the page begins there; run by precompiled.py.
//
// node export/site/snapshot.mjs PYODIDE STDLIB NUMPY PYSCRIPTS LIBRARIES TO
//   PYODIDE  folder of the npm package
//   STDLIB, NUMPY, PYSCRIPTS  the archives that bytecode.mjs wrote
//   LIBRARIES  folder of numpy's binary modules that it wrote
//   TO       gzip file that is written
//
// The file begins with the number of functions in the table when that memory is restored (uint32): an engine that has
// another one numbers them differently. Equal archives give equal bytes: fixed times, hash seed and random numbers.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { LIBRARIES, SITE_PACKAGES, preload } from '../../site/analysis/libraries.js';

const [folder, stdlib, numpy, pyscripts, libraries, to] = process.argv.slice(2);
const read = (/** @type {string} */ path) => new Uint8Array(readFileSync(path));
const module = (/** @type {string} */ name) => import(pathToFileURL(join(folder, name)).href);
const { loadPyodide } = await module('pyodide.mjs');
await module('pyodide.asm.js');

Date.now = () => 0;
performance.now = () => 0;
crypto.getRandomValues = (array) => array.fill(0);
const binaries = LIBRARIES.map(({ name, file }) => ({ path: `${SITE_PACKAGES}/${name}`, bytes: read(join(libraries, file)) }));
let functions = 0;
preload(await Promise.all(binaries.map(({ bytes }) => WebAssembly.compile(bytes))), (found) => void (functions = found));
const python = await loadPyodide({ stdLibURL: stdlib, env: { PYTHONHASHSEED: '0' }, _makeSnapshot: true });
python.unpackArchive(read(numpy), 'zip', { extractDir: SITE_PACKAGES });
python.unpackArchive(read(pyscripts), 'zip', { extractDir: '/home/pyodide' });
for (const { path, bytes } of binaries) {
  python.FS.mkdirTree(dirname(path));
  python.FS.writeFile(path, bytes); // Python looks for it there, then takes the one that is loaded
}
python.runPython(`
import gc, importlib, random
importlib.invalidate_caches() # the clock stands still, so Python sees no new files
import numpy.random
import pyscripts.page.lab_session
import pyscripts.page.session
random.seed(0)
gc.collect()
`);
const others = Object.keys(python._module.LDSO.loadedLibsByName).slice(1 + LIBRARIES.length); // the first is Python itself
if (others.length) throw new Error(`site/analysis/libraries.js lacks ${others.join(', ')}`);
writeFileSync(to, gzipSync(Buffer.concat([new Uint8Array(Uint32Array.of(functions).buffer), python.makeMemorySnapshot()]))); // its best level takes four times as long for 1 %
process.exit(0);
