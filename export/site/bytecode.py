"""Compiles Python's standard library and numpy to bytecode, with the Pyodide that will run it. Offline, Node."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("bytecode.mjs")
# What nobody can use in a page: tests, headers and libraries to compile against, stubs, the Fortran compiler's driver.
NUMPY_LEFT_OUT = (
    r"/(tests|f2py|distutils|_pyinstaller|include|lib/lib\w+\.a)(/|$)"
    r"|_(operand_flag|rational|struct_ufunc|umath)_tests\.|\.(pyi|pxd|pyx|pxi|h|c|a|ini|build)$"
)
STDLIB_LEFT_OUT = r"^(ensurepip|idlelib|lib2to3|pydoc_data|tkinter|turtledemo|venv)/|^(turtle|antigravity)\.py$"


class NotCompiled(Exception):
    """The libraries could not be compiled; the message says why."""


def compile_python(numpy: Path, numpy_to: Path, stdlib: Path, pyodide: Path) -> None:
    """Compiling them in the page took a third of its start.

    numpy: its wheel; numpy_to: the archive that is written; stdlib: is replaced; pyodide: its npm package.
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
        },
    ]
    node = Path(sys.executable).parent / ("node.exe" if sys.platform == "win32" else "node")
    command = [str(node) if node.exists() else "node", str(SCRIPT), str(pyodide), *map(json.dumps, jobs)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise NotCompiled(f"Python's library could not be compiled: {result.stderr.strip() or result.stdout.strip()}")
