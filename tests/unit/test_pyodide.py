"""The same files give the same answers in Pyodide, in the same order; CPython and Node."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PYODIDE = REPOSITORY / "site/vendor/pyodide"
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")


def output(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# Runs wherever `make vendor` has put Pyodide into site/vendor; elsewhere there is nothing to run it with.
@pytest.mark.skipif(
    not NODE or not (PYODIDE / "pyodide.js").exists(),
    reason="needs Node and site/vendor (make vendor)",
)
def test_pyodide_agrees_with_cpython(tmp_path: Path) -> None:
    # Node reads pyodide.asm.js as CommonJS only where no package.json above says "module".
    pyodide = shutil.copytree(PYODIDE, tmp_path / "pyodide")
    script = str(HERE / "gpt2_sized_run.py")
    run = [str(NODE), str(HERE / "pyodide_run.mjs"), str(REPOSITORY), str(pyodide), script]
    here, there = output([sys.executable, "-m", "tests.unit.gpt2_sized_run"]), output(run)
    for exact in ("order", "kept", "drawn"):
        assert there[exact] == here[exact]
    assert there["metrics"].keys() == here["metrics"].keys()
    for name, values in here["metrics"].items():
        np.testing.assert_allclose(there["metrics"][name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    names = ("attention_entropy", "without_sink", "induction", "chance", "norms")
    for name in names:
        np.testing.assert_allclose(there[name], here[name], rtol=2e-6, atol=2e-6)
