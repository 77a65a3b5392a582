// Runs a Python file in Pyodide under Node, with numpy and pyscripts/ at hand:
// node pyodide_run.mjs <repository> <pyodide> <file>
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [repository, pyodide, file] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.js")).href);
const python = await loadPyodide({ indexURL: pyodide + "/" });
const wheel = readdirSync(pyodide).find((name) => name.startsWith("numpy-") && name.endsWith(".whl"));
python.unpackArchive(new Uint8Array(readFileSync(join(pyodide, wheel))), "wheel");
python.FS.mkdir("/home/pyodide/pyscripts");
for (const name of readdirSync(join(repository, "pyscripts")).filter((each) => each.endsWith(".py"))) {
  python.FS.writeFile(`/home/pyodide/pyscripts/${name}`, readFileSync(join(repository, "pyscripts", name)));
}
python.runPython(readFileSync(file, "utf8"));
