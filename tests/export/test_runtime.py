"""site/vendor: every third-party file listed with its hash and licence, and the same bytes when it is built again."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from export.site import runtime, shell

OURS = {"NOTICES", "pyscripts.zip", "shell.json"}


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return vendored(tmp_path / "first", monkeypatch)


def vendored(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """site/vendor as the command builds it, in a site of its own that shares the installed npm packages."""
    site.mkdir()
    for path in runtime.SITE.iterdir():
        if path.name not in {"vendor", "vendor.new", "models"}:
            (site / path.name).symlink_to(path.resolve())
    monkeypatch.setattr(runtime, "SITE", site)
    return runtime.build_vendor(Console(quiet=True))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_twice_gives_identical_bytes(vendor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, other file modes, other times."""
    old_mask = os.umask(0o077)
    try:
        again = vendored(tmp_path / "second", monkeypatch)
    finally:
        os.umask(old_mask)
    assert contents(again) == contents(vendor)


def test_every_file_is_listed_with_version_licence_and_hash(vendor: Path) -> None:
    """NOTICES against the files, the versions against the lock, and the release against everything."""
    found = contents(vendor)
    foreign = {path for path in found if path not in OURS and not path.endswith((".d.ts", ".d.mts"))}
    lines = found["NOTICES"].decode().split("\n\n")[1].splitlines()
    listed = {file: (sha256, name, version, licence) for sha256, file, name, version, licence in map(str.split, lines)}
    assert set(listed) == foreign
    locked = json.loads((runtime.SITE / "package-lock.json").read_text())["packages"]
    assert all(package["integrity"].startswith("sha512-") for path, package in locked.items() if path)
    for file, (sha256, name, version, licence) in listed.items():
        assert hashlib.sha256(found[file]).hexdigest() == sha256
        assert name == "numpy" or locked[f"node_modules/{name}"]["version"] == version
        assert licence in {"MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0"}
    assert all(f"---- {name} " in found["NOTICES"].decode() for _, name, _, _ in listed.values())
    pyodide_lock = json.loads(found["pyodide/pyodide-lock.json"])["packages"]["numpy"]
    assert listed[f"pyodide/{pyodide_lock['file_name']}"][0] == pyodide_lock["sha256"]
    release = {file["path"]: file["sha256"] for file in json.loads((vendor / "shell.json").read_text())["files"]}
    for path in foreign:
        if not f"vendor/{path}".startswith(shell.OPTIONAL):
            assert release[f"vendor/{path}"] == listed[path][0]
