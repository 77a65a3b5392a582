// Compiles the Python files of zip archives to bytecode, with the Pyodide that will run them; run by precompiled.py.
//
// node export/site/bytecode.mjs PYODIDE JOB…
//   PYODIDE  folder of the npm package
//   JOB      JSON {from, to, prefix, drop, optimize, sources, libraries}: archive read, archive written, where its files
//            will be in the page, a regular expression of names left out, Python's optimization level (2 leaves out
//            docstrings), whether the sources stay beside their bytecode, and a folder for the binary modules in
//            site/analysis/libraries.js, which the archive then lacks
//
// Equal archives give equal bytes: fixed times and order, hash-based .pyc files that are never checked against a source,
// and a fixed hash seed, since sets are among the constants.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LIBRARIES } from '../../site/analysis/libraries.js';

const [folder, ...jobs] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, 'pyodide.mjs')).href);
const pyodide = await loadPyodide({ env: { PYTHONHASHSEED: '0' } });

for (const { from, to, prefix, drop, optimize, sources = false, libraries = null } of jobs.map((job) => JSON.parse(job))) {
  pyodide.FS.writeFile('/from.zip', new Uint8Array(readFileSync(from)));
  pyodide.globals.set('prefix', prefix);
  pyodide.globals.set('drop', drop);
  pyodide.globals.set('optimize', optimize);
  pyodide.globals.set('sources', sources);
  pyodide.globals.set('apart', pyodide.toPy(libraries ? LIBRARIES.map(({ name }) => name) : []));
  const found = pyodide.runPython(`
import re, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import cache_from_source, source_hash

with zipfile.ZipFile("/from.zip") as source, zipfile.ZipFile("/to.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
    for name in sorted(source.namelist()):
        if name.endswith("/") or name in apart or re.search(drop, name):
            continue
        data = source.read(name)
        files = {name: data}
        if name.endswith(".py"):
            code = compile(data, prefix + name, "exec", dont_inherit=True, optimize=optimize)
            bytecode = _code_to_hash_pyc(code, source_hash(data), False)
            files = {name: data, cache_from_source(name): bytecode} if sources else {name + "c": bytecode}
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    libraries = {name: source.read(name) for name in apart}
libraries
`);
  writeFileSync(to, pyodide.FS.readFile('/to.zip'));
  for (const { name, file } of libraries ? LIBRARIES : []) {
    const path = join(libraries, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, found.get(name).toJs());
  }
}
