"""Prepares Python's start in the page with the Pyodide that will run it: bytecode and a snapshot. Offline, Node."""

import json
import subprocess
import sys
from pathlib import Path

# What nobody can use in a page: tests, headers and libraries to compile against, stubs, the Fortran compiler's driver.
NUMPY_LEFT_OUT = (
    r"/(tests|f2py|distutils|_pyinstaller|include|lib/lib\w+\.a)(/|$)"
    r"|_(operand_flag|rational|struct_ufunc|umath)_tests\.|\.(pyi|pxd|pyx|pxi|h|c|a|ini|build)$"
)
STDLIB_LEFT_OUT = r"^(ensurepip|idlelib|lib2to3|pydoc_data|tkinter|turtledemo|venv)/|^(turtle|antigravity)\.py$"


class NotPrepared(Exception):
    """Python's start could not be prepared; the message says why."""


def compile_python(
    numpy: Path, numpy_to: Path, libraries_to: Path, stdlib: Path, pyscripts: Path, pyodide: Path
) -> None:
    """Compiling them in the page took a third of its start.

    numpy: its wheel; numpy_to: the archive that is written; libraries_to: the folder for those of its binary modules
    that the snapshot needs; stdlib, pyscripts: are replaced; pyodide: its npm package.
    """
    jobs = [
        {
            "from": str(stdlib),
            "to": str(stdlib),
            "prefix": "/lib/python312.zip/",
            "drop": STDLIB_LEFT_OUT,
            "optimize": 2,
        },
        {
            "from": str(numpy),
            "to": str(numpy_to),
            "prefix": "/lib/python3.12/site-packages/",
            "drop": NUMPY_LEFT_OUT,
            "optimize": 0,  # numpy cannot be imported without its docstrings
            "libraries": str(libraries_to),
        },
        {
            "from": str(pyscripts),
            "to": str(pyscripts),
            "prefix": "/home/pyodide/",
            "drop": "^$",
            "optimize": 0,
            "sources": True,
        },
    ]
    _node("bytecode.mjs", str(pyodide), *map(json.dumps, jobs))


def snapshot(pyodide: Path, stdlib: Path, numpy: Path, libraries: Path, pyscripts: Path, to: Path) -> None:
    """Writes Python's memory after importing our code, gzipped, from what `compile_python` wrote.

    The page's Python starts from it with a third of the work.
    """
    _node("snapshot.mjs", *map(str, (pyodide, stdlib, numpy, pyscripts, libraries, to)))


def _node(script: str, *arguments: str) -> None:
    """Runs a script beside this file with the venv's Node. NotPrepared: it failed."""
    node = Path(sys.executable).parent / ("node.exe" if sys.platform == "win32" else "node")
    command = [str(node) if node.exists() else "node", str(Path(__file__).with_name(script)), *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise NotPrepared(f"Python could not be prepared: {result.stderr.strip() or result.stdout.strip()}")
