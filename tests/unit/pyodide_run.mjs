// Runs a Python file in Pyodide under Node, with numpy and pyscripts/ at hand:
// node pyodide_run.mjs <repository> <pyodide> <file>
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { LIBRARIES, SITE_PACKAGES } from "../../site/analysis/libraries.js";

const [repository, pyodide, file] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.js")).href);
const python = await loadPyodide({ indexURL: pyodide + "/" });
python.unpackArchive(new Uint8Array(readFileSync(join(pyodide, "numpy.zip"))), "zip", { extractDir: SITE_PACKAGES });
for (const { name, file } of LIBRARIES) python.FS.writeFile(`${SITE_PACKAGES}/${name}`, readFileSync(join(pyodide, file)));
const rooms = readdirSync(join(repository, "pyscripts"), { recursive: true, withFileTypes: true });
for (const entry of rooms.filter((each) => each.name.endsWith(".py"))) {
  const path = relative(repository, join(entry.parentPath, entry.name));
  python.FS.mkdirTree(`/home/pyodide/${dirname(path)}`);
  python.FS.writeFile(`/home/pyodide/${path}`, readFileSync(join(repository, path)));
}
python.runPython(readFileSync(file, "utf8"));
