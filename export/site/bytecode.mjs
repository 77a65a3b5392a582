// Compiles the Python files of zip archives to bytecode, with the Pyodide that will run them; run by precompiled.py.
//
// node export/site/bytecode.mjs PYODIDE JOB…
//   PYODIDE  folder of the npm package
//   JOB      JSON {from, to, prefix, drop, optimize, sources}: archive read, archive written, where its files will be in
//            the page, a regular expression of names left out, Python's optimization level (2 leaves out docstrings), and
//            whether the sources stay beside their bytecode
//
// Equal archives give equal bytes: fixed times and order, hash-based .pyc files that are never checked against a source,
// and a fixed hash seed, since sets are among the constants.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, ...jobs] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, 'pyodide.mjs')).href);
const pyodide = await loadPyodide({ env: { PYTHONHASHSEED: '0' } });

for (const { from, to, prefix, drop, optimize, sources = false } of jobs.map((job) => JSON.parse(job))) {
  pyodide.FS.writeFile('/from.zip', new Uint8Array(readFileSync(from)));
  pyodide.globals.set('prefix', prefix);
  pyodide.globals.set('drop', drop);
  pyodide.globals.set('optimize', optimize);
  pyodide.globals.set('sources', sources);
  pyodide.runPython(`
import re, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import cache_from_source, source_hash

with zipfile.ZipFile("/from.zip") as source, zipfile.ZipFile("/to.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
    for name in sorted(source.namelist()):
        if name.endswith("/") or re.search(drop, name):
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
`);
  writeFileSync(to, pyodide.FS.readFile('/to.zip'));
}
