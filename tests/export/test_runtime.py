"""site/vendor: every third-party file listed with its hash and licence, and the same bytes when it is built again."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from export.site import codemirror, precompiled, runtime, shell

ROOT = Path(__file__).resolve().parents[2]
OURS = {"NOTICES", "pyscripts.zip", "shell.json"}


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """site/vendor as the command builds it, in a site of its own that shares the installed npm packages."""
    site = tmp_path_factory.mktemp("site")
    for path in runtime.SITE.iterdir():
        if path.name not in {"vendor", "vendor.new", "models"}:
            (site / path.name).symlink_to(path.resolve())
    old_mask = os.umask(0o077)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runtime, "SITE", site)
            return runtime.build_vendor(Console(quiet=True))
    finally:
        os.umask(old_mask)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_twice_gives_identical_bytes(vendor: Path) -> None:
    """As `make` built it: in another folder, with other file modes, at another time."""
    first, again = contents(ROOT / "site/vendor"), contents(vendor)
    assert {name for name in first if again.get(name) != first[name]} == set(), "or site/vendor is old: make vendor"
    assert set(again) == set(first)


def test_every_file_is_listed_with_version_licence_and_hash(vendor: Path) -> None:
    """NOTICES against the files, the versions against the lock, and the release against everything."""
    found = contents(vendor)
    foreign = {path for path in found if path not in OURS and not path.endswith((".d.ts", ".d.mts"))}
    lines = found["NOTICES"].decode().split("\n\n")[1].splitlines()
    rows = [line.split() for line in lines]  # several for a file that bundles several packages
    listed = {file: sha256 for sha256, file, *_ in rows}
    assert set(listed) == foreign
    assert {"@codemirror/view", "@lezer/python", "style-mod"} <= {row[2] for row in rows if row[1] == codemirror.BUNDLE}
    locked = json.loads((runtime.SITE / "package-lock.json").read_text())["packages"]
    assert all(package["integrity"].startswith("sha512-") for path, package in locked.items() if path)
    for sha256, file, name, version, licence in rows:
        assert hashlib.sha256(found[file]).hexdigest() == sha256
        assert name == "numpy" or locked[f"node_modules/{name}"]["version"] == version
        assert licence in {"MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0"}
    assert all(f"---- {name} " in found["NOTICES"].decode() for _, _, name, *_ in rows)
    release = {file["path"]: file["sha256"] for file in json.loads((vendor / "shell.json").read_text())["files"]}
    for path in foreign:
        if not f"vendor/{path}".startswith(shell.OPTIONAL):
            assert release[f"vendor/{path}"] == listed[path]


def test_python_is_compiled_and_whole(vendor: Path) -> None:
    """The archives of Python hold bytecode instead of sources, of the same modules less those left out."""
    node_modules = runtime.SITE / "node_modules/pyodide"
    lock = json.loads((node_modules / "pyodide-lock.json").read_text())["packages"]["numpy"]
    wheel = runtime.CACHE / lock["file_name"]
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == lock["sha256"]
    apart: dict[str, set[str]] = {}
    for before, after, left_out in [
        (node_modules / "python_stdlib.zip", "pyodide/python_stdlib.zip", precompiled.STDLIB_LEFT_OUT),
        (wheel, runtime.NUMPY, precompiled.NUMPY_LEFT_OUT),
    ]:
        modules = {name for name in zipfile.ZipFile(before).namelist() if name.endswith((".py", ".so"))}
        kept = {name.replace(".py", ".pyc") for name in modules if not re.search(left_out, name)}
        assert len(kept) > 100
        found = {name for name in zipfile.ZipFile(vendor / after).namelist() if name.endswith((".py", ".pyc", ".so"))}
        assert found <= kept
        apart[after] = {re.sub(r".*/_?|\.cpython.*", "", name) for name in kept - found}
    loaded_first = {path.stem for path in (vendor / "pyodide/numpy").glob("*.wasm")}
    assert apart == {"pyodide/python_stdlib.zip": set(), runtime.NUMPY: loaded_first}
    assert "multiarray_umath" in loaded_first
    ours = zipfile.ZipFile(vendor / "pyscripts.zip").namelist()
    sources = [name for name in ours if name.endswith(".py")]
    assert len(sources) > 50
    compiled = [cache_from_source(name).replace(sys.implementation.cache_tag, "cpython-312") for name in sources]
    assert sorted(ours) == sorted([*sources, *compiled, "pyscripts/run.schema.json"])


def test_the_snapshot_begins_where_our_imports_end(vendor: Path, tmp_path: Path) -> None:
    """After a start from it, nothing is left to import, no file of numpy or ours is needed, and numpy computes."""
    script = tmp_path / "start.mjs"
    script.write_text(
        f"""
        import {{ readFileSync }} from 'node:fs';
        import {{ gunzipSync }} from 'node:zlib';
        import {{ loadPyodide }} from {json.dumps((runtime.SITE / "node_modules/pyodide/pyodide.mjs").as_uri())};
        import {json.dumps((runtime.SITE / "node_modules/pyodide/pyodide.asm.js").as_uri())};
        import {{ LIBRARIES, preload }} from {json.dumps((runtime.SITE / "analysis/libraries.js").as_uri())};
        const bytes = (name) => new Uint8Array(readFileSync({json.dumps(f"{vendor}/")} + name));
        const stdLibURL = {json.dumps(str(vendor / runtime.STDLIB))};
        const stored = gunzipSync(bytes('{runtime.SNAPSHOT}'));
        const modules = LIBRARIES.map(({{ file }}) => new WebAssembly.Module(bytes('pyodide/' + file)));
        let functions = 0;
        preload(modules, (found) => {{ functions = found; }});
        const python = await loadPyodide({{ stdLibURL, _loadSnapshot: new Uint8Array(stored.subarray(4)) }});
        if (functions !== stored.readUInt32LE()) throw new Error('the snapshot is of another table');
        python.runPython('import sys; before = set(sys.modules)');
        python.pyimport('pyscripts.page.session').Session().menus();
        python.pyimport('pyscripts.page.lab_session').LabSession().names();
        python.runPython(`import numpy as np
a = np.random.Generator(np.random.PCG64(7)).standard_normal((4, 3))
b = np.random.RandomState(7).choice(100, 5)`);
        console.log(python.runPython(`import json; json.dumps({{
            "imported": sorted(set(sys.modules) - before), "drawn": a.tolist(), "chosen": b.tolist(),
            "singular": np.linalg.svd(a)[1].tolist(), "sorted": np.sort(a, axis=0).tolist()}})`));
        """
    )
    node = Path(sys.executable).parent / "node"
    result = subprocess.run([str(node), str(script)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    found = json.loads(result.stdout.splitlines()[-1])
    drawn = np.random.Generator(np.random.PCG64(7)).standard_normal((4, 3))
    assert found["imported"] == []
    assert found["drawn"] == drawn.tolist()
    assert found["chosen"] == np.random.RandomState(7).choice(100, 5).tolist()
    assert found["sorted"] == np.sort(drawn, axis=0).tolist()
    np.testing.assert_allclose(found["singular"], np.linalg.svd(drawn)[1], rtol=1e-14)
