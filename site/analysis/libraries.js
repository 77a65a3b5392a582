// numpy's binary modules, which must lie where Python's memory snapshot expects them; the analysis worker, the lab, and the
// scripts in export/site that store it.

export const SITE_PACKAGES = '/lib/python3.12/site-packages';

/** In the order in which `import numpy.random` loads them. */
export const LIBRARIES = [
  'numpy/_core/_multiarray_umath',
  'numpy/_core/_multiarray_tests',
  'numpy/linalg/_umath_linalg',
  'numpy/random/_common',
  'numpy/random/bit_generator',
  'numpy/random/_bounded_integers',
  'numpy/random/_mt19937',
  'numpy/random/mtrand',
  'numpy/random/_philox',
  'numpy/random/_pcg64',
  'numpy/random/_sfc64',
  'numpy/random/_generator',
].map((path) => ({
  /** In numpy's archive. */
  name: `${path}.cpython-312-wasm32-emscripten.so`,
  /** In vendor/pyodide; some servers keep files that begin with an underscore to themselves. */
  file: `numpy/${path.replace(/.*\/_?/, '')}.wasm`,
}));

/**
 * Emscripten's module of Pyodide, as far as it is used here.
 * @typedef {{
 *   wasmTable: WebAssembly.Table,
 *   preloadedWasm: Record<string, WebAssembly.Exports>,
 *   loadWebAssemblyModule: (module: WebAssembly.Module, flags: object, path: string, scope: object) => WebAssembly.Exports,
 *   loadDynamicLibrary: (path: string, flags: object, scope: object) => void,
 *   reportUndefinedSymbols: () => void,
 * }} EmscriptenModule
 * @typedef {(settings: {preRun: ((module: EmscriptenModule) => void)[]}) => Promise<EmscriptenModule>} Create
 */

/**
 * Lets the next start of Pyodide load them first, always at the same addresses: a snapshot of its memory holds pointers
 * into them. (Pyodide loads a library when it is imported, which it never is once its memory is restored.)
 * @param {WebAssembly.Module[]} modules of LIBRARIES
 * @param {(functions: number) => void} onCreated told how many functions the table has before memory is restored; what it throws ends the start
 */
export function preload(modules, onCreated) {
  const scope = /** @type {{_createPyodideModule: Create}} */ (/** @type {unknown} */ (globalThis)); // set by pyodide.asm.js
  const create = scope._createPyodideModule;
  scope._createPyodideModule = async (settings) => {
    scope._createPyodideModule = create;
    settings.preRun.push((module) => {
      for (const [index, { name }] of LIBRARIES.entries()) {
        const path = `${SITE_PACKAGES}/${name}`;
        const flags = { global: false, nodelete: true, allowUndefined: true }; // their symbols are resolved below, at once
        module.preloadedWasm[path] = module.loadWebAssemblyModule(modules[index], flags, path, {});
        module.loadDynamicLibrary(path, flags, {});
      }
      module.reportUndefinedSymbols();
    });
    const created = await create(settings);
    onCreated(created.wasmTable.length);
    return created;
  };
}
