"""The package: the right files, the same bytes every time, and a sentence where something is missing."""

import errno
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from export.site import package, shell
from export.site.serve import SITE
from tests.e2e.conftest import checkpoints, tiny_models  # noqa: F401 (fixtures)

PAGE = {
    "index.html": "<!doctype html>",
    "app.js": "export {};",
    "sw.js": "// worker",
    "headers.js": "// headers",
    "README.txt": "how to serve it",
    "package.json": "{}",
    "vendor/NOTICES": "notices",
    "vendor/lib.js": "export {};",
    "vendor/lib.d.mts": "export {};",
    "vendor/shell.json": '{"version": "old"}',
    "node_modules/lib/index.js": "// not the page's",
}


@pytest.fixture
def site(tmp_path: Path, tiny_models: Path) -> Path:  # noqa: F811
    """A page in miniature, with the two models of the browser tests."""
    site = tmp_path / "site"
    for path, text in PAGE.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    shutil.copytree(tiny_models, site / "models")
    return site


def pack(site: Path, *names: str) -> Path:
    target = site.parent / "dist/tokenlight.zip"
    assert package.main([*names, "--out", str(target), "--site", str(site)]) == 0
    return target


def test_what_is_packed(site: Path, tmp_path: Path) -> None:
    """Page, runtime and models with the release stated as it is; no types, no stray files."""
    (site / "models/tiny-gpt2/left-over.bin").write_bytes(b"not of the model")
    with zipfile.ZipFile(pack(site)) as archive:
        archive.extractall(tmp_path / "unpacked")
    root = tmp_path / "unpacked/tokenlight"
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    page = {"index.html", "app.js", "sw.js", "headers.js", "README.txt", "vendor/NOTICES", "vendor/lib.js", shell.SHELL}
    assert {path for path in found if not path.startswith("models/")} == page | {"LICENSE"}
    assert (root / "README.txt").read_text() == "how to serve it"
    assert "py -m http.server" in (SITE / "README.txt").read_text()
    stated = json.loads((root / shell.SHELL).read_text())
    for file in stated["files"]:
        assert hashlib.sha256((root / file["path"]).read_bytes()).hexdigest() == file["sha256"]
    assert {file["path"] for file in stated["files"]} == page - {"sw.js", "headers.js", shell.SHELL}
    for name in ("tiny-gpt2", "tiny-llama"):
        manifest = json.loads((root / f"models/{name}/manifest.json").read_text())
        chunks = {chunk["name"] for file in manifest["files"] for chunk in file["chunks"]}
        examples = {example["name"] for example in manifest["examples"]}
        assert {path.name for path in (root / "models" / name).iterdir()} == chunks | examples | {"manifest.json"}


def test_equal_files_give_equal_bytes(site: Path) -> None:
    first = pack(site).read_bytes()
    for path in site.rglob("*"):
        path.touch()
    assert pack(site).read_bytes() == first


def test_chosen_models_only(site: Path) -> None:
    """The library names what is in the package, with a default."""
    with zipfile.ZipFile(pack(site, "tiny-llama")) as archive:
        index = json.loads(archive.read("tokenlight/models/index.json"))
        assert [(entry["id"], entry.get("default")) for entry in index["models"]] == [("tiny-llama", True)]
        assert not any("models/tiny-gpt2" in name for name in archive.namelist())


def test_what_is_missing_is_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name, a damaged chunk, no models, no libraries: one line each, and the package before stays."""
    target = pack(site)
    before = target.read_bytes()
    command = ["--out", str(target), "--site", str(site)]

    def said(*names: str) -> str:
        assert package.main([*names, *command]) == 2
        assert target.read_bytes() == before and [path.name for path in target.parent.iterdir()] == [target.name]
        return capsys.readouterr().err

    assert "third has not been built" in said("third")
    chunk = next((site / "models/tiny-gpt2").glob("*.bin"))
    chunk.write_bytes(chunk.read_bytes()[:-1])
    assert f"tiny-gpt2/{chunk.name} is missing or damaged" in said()
    manifest = site / "models/tiny-gpt2/manifest.json"
    for damaged in ("{", "[]", '{"files": 3}', '{"files": [{"chunks": [3]}]}'):
        manifest.write_text(damaged)
        assert "models/tiny-gpt2/manifest.json is damaged; build tiny-gpt2 again, or remove it" in said()
    shutil.rmtree(manifest.parent)
    assert "models/tiny-gpt2 has no manifest.json; build tiny-gpt2 again, or remove it" in said()
    (site / "models/index.json").write_text('{"schema": ')
    assert "models/index.json is damaged or not a list of models" in said()
    shutil.rmtree(site / "models")
    assert "no model has been built" in said()
    (site / "vendor/NOTICES").unlink()
    assert "run make vendor" in said()


def test_a_place_that_cannot_be_written_is_said(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, something below a file, a full or read-only disk: one line each, and nothing left."""
    (tmp_path / "file").write_text("mine")

    def said(out: Path) -> str:
        assert package.main(["--out", str(out), "--site", str(site)]) == 2
        [line] = capsys.readouterr().err.splitlines()
        return line.removeprefix("error: ")

    assert said(tmp_path) == f"{tmp_path} is a folder; --out names the file to write"
    assert said(tmp_path / "file/a.zip").startswith(f"{tmp_path}/file")
    for number in (errno.ENOSPC, errno.EROFS):

        def fail(*_: object, number: int = number, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
        assert said(tmp_path / "a.zip") == f"{tmp_path}/a.zip: {os.strerror(number)}"
    assert not list(tmp_path.glob("a.zip*"))
