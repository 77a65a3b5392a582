// Writes what Python's memory holds after its start, so that the page begins there; run by precompiled.py.
//
// node export/site/snapshot.mjs PYODIDE STDLIB NUMPY PYSCRIPTS TO
//   PYODIDE  folder of the npm package
//   STDLIB, NUMPY, PYSCRIPTS  the archives that the page will load
//   TO       gzip file that is written
//
// The modules of the standard library that our code imports are in it, numpy is not: Pyodide cannot take a snapshot
// once a library's binary module is loaded. Equal archives give equal bytes: fixed times, hash seed and random numbers.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const [folder, stdlib, numpy, pyscripts, to] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, 'pyodide.mjs')).href);
const options = { stdLibURL: stdlib, env: { PYTHONHASHSEED: '0' } };

const whole = await loadPyodide(options);
whole.unpackArchive(new Uint8Array(readFileSync(numpy)), 'zip', { extractDir: '/lib/python3.12/site-packages' });
whole.unpackArchive(new Uint8Array(readFileSync(pyscripts)), 'zip', { extractDir: '/home/pyodide' });
const modules = whole.runPython(`
import sys
before = set(sys.modules)
import pyscripts.page.session
" ".join(sorted(name for name in set(sys.modules) - before if name.split(".")[0] not in ("numpy", "pyscripts")))
`);

Date.now = () => 0;
performance.now = () => 0;
crypto.getRandomValues = (array) => array.fill(0);
const fresh = await loadPyodide({ ...options, _makeSnapshot: true });
fresh.runPython(`
import gc, importlib, random
for name in "${modules}".split():
    importlib.import_module(name)
random.seed(0)
gc.collect()
`);
writeFileSync(to, gzipSync(fresh.makeMemorySnapshot(), { level: 9 }));
process.exit(0);
