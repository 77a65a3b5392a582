"""The folder of builds: its list, what is put into it and taken out, by several builds at once and after a kill."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from export import build, library
from export.architectures.families import Refusal
from export.catalogue import CATALOGUE
from export.site import package

ROOT = Path(__file__).resolve().parents[2]


def staged(at: Path, name: str, **more: Any) -> tuple[Path, dict[str, Any]]:
    """A build of one file, and its manifest."""
    model: dict[str, Any] = {"schema": library.MODEL_SCHEMA, "id": name, "name": name.title(), "weights": "int8"}
    chunk = {"name": "0.bin", "bytes": 3, "sha256": "0"}
    files = [{"path": "weights.bin", "bytes": 3, "chunks": [chunk]}]
    model |= {"parameters": 1, "license": None, "files": files, **more}
    at.mkdir(parents=True)
    (at / "manifest.json").write_text(json.dumps(model))
    (at / "0.bin").write_bytes(b"abc")
    return at, model


def add(out: Path, name: str, **more: Any) -> None:
    with library.workplace(out) as work:
        folder, model = staged(work / "model", name, **more)
        library.add(out, folder, model, work)


def index(out: Path) -> list[tuple[str, bool]]:
    entries = json.loads((out / "index.json").read_text())["models"]
    return [(each["id"], each.get("default", False)) for each in entries]


def test_order_and_default(tmp_path: Path) -> None:
    """gpt2 first and default, the others as they were built; a rebuild keeps its place, a deleted folder leaves."""
    for name in ("one", "two", "gpt2", "one"):
        add(tmp_path, name)
    assert index(tmp_path) == [("gpt2", True), ("one", False), ("two", False)]
    assert library.read(tmp_path)[1]["bytes"] == 3
    shutil.rmtree(tmp_path / "gpt2")
    add(tmp_path, "two", license="mit")
    assert index(tmp_path) == [("one", True), ("two", False)] and library.read(tmp_path)[1]["license"] == "mit"
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "one", "two"}


@pytest.mark.parametrize("damaged", ["", "{", "[]", "3", '{"schema": "tokenlight.models/1"}', '{"schema": "other"}',
                                     '{"schema": "tokenlight.models/1", "models": [{}]}', "\udcff", None])
def test_a_damaged_list_is_found_before_the_work(
    damaged: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, nothing changed; once it is moved away, the builds that are there are in the next list."""
    add(tmp_path, "one")
    path = tmp_path / "index.json"
    path.unlink()
    if damaged is None:
        path.mkdir()
    else:
        path.write_text(damaged, errors="surrogateescape")
    monkeypatch.setattr(build, "make", None)  # not reached
    assert build.main(["gpt2", "--out", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{path} is damaged or not a list of models; move it away" in line and (tmp_path / "one/0.bin").exists()
    with pytest.raises(Refusal, match="is damaged"):
        add(tmp_path, "two")
    assert not (tmp_path / "two").exists()
    path.rename(tmp_path / "elsewhere")
    add(tmp_path, "two")
    assert index(tmp_path) == [("one", True), ("two", False)]


def test_builds_that_finish_together_are_all_listed(tmp_path: Path) -> None:
    """Four processes, ten builds each."""
    code = "import sys, pathlib; from tests.export.test_library import add; out = pathlib.Path(sys.argv[1])"
    command = [sys.executable, "-c", f"{code}; [add(out, f'm{{sys.argv[2]}}-{{i}}') for i in range(10)]", str(tmp_path)]
    running = [subprocess.Popen([*command, str(i)], cwd=ROOT) for i in range(4)]
    assert [each.wait() for each in running] == [0] * 4
    assert len(index(tmp_path)) == 40 and len(list(tmp_path.iterdir())) == 41


def test_what_a_killed_build_left_is_deleted(tmp_path: Path) -> None:
    """But not the folder of a build that is running; a build that was being replaced is put back."""
    add(tmp_path, "one")
    with library.workplace(tmp_path) as running:
        left = tmp_path / ".building-left"
        (left / "previous").mkdir(parents=True)
        (tmp_path / "one").rename(left / "previous/one")  # killed between the two renames
        staged(left / "model", "one")
        with library.workplace(tmp_path):
            assert not left.exists() and running.is_dir()
            assert (tmp_path / "one/0.bin").read_bytes() == b"abc"
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "one"}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_build_whose_list_cannot_be_written_changes_nothing(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or Ctrl-C at the last moment: neither the previous build nor a model that is not in the menu."""
    add(tmp_path, "one")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def write_json(*_: Any) -> None:
        raise error

    monkeypatch.setattr(library, "write_json", write_json)
    for name in ("one", "two"):
        with pytest.raises(type(error)):
            add(tmp_path, name, weights="fp16")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "one"}


@pytest.mark.parametrize("listed", ["another", "as int8", None])
def test_what_is_already_built_is_listed(
    listed: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also if it was killed before its list was written, or after another format's build."""
    add(tmp_path, "gpt2" if listed == "as int8" else "one")
    pinned = {"source": CATALOGUE["gpt2"].hub, "revision": CATALOGUE["gpt2"].revision}
    staged(tmp_path / "new", "gpt2", weights="fp16", **pinned)
    shutil.rmtree(tmp_path / "gpt2", ignore_errors=True)
    (tmp_path / "new").rename(tmp_path / "gpt2")
    if listed is None:
        (tmp_path / "index.json").unlink()
    for _ in range(2):
        assert build.main(["gpt2", "--weights", "fp16", "--out", str(tmp_path)]) == 0
        assert "gpt2 is already built as fp16" in capsys.readouterr().out
        models = json.loads((tmp_path / "index.json").read_text())["models"]
        assert [(model["weights"], model["default"]) for model in models if model["id"] == "gpt2"] == [("fp16", True)]
        monkeypatch.setattr(library, "write_json", None)  # nothing is left to be written


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_kill_does_what_ctrl_c_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build ends in order, and its folder is deleted."""
    add(tmp_path, "one")

    def make(*_: Any) -> None:
        with library.workplace(tmp_path):
            os.kill(os.getpid(), number)
            time.sleep(60)  # the signal comes at once

    monkeypatch.setattr(build, "make", make)
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # under `nohup` it is ignored, and a build leaves it so
    try:
        assert build.main(["gpt2", "--out", str(tmp_path)]) == 130
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "stopped; earlier builds are unchanged\n"
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "one"}


@pytest.mark.parametrize("where", ["export.library.read", "export.build.make"])
def test_ctrl_c_while_a_library_is_imported(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Libraries in C turn it into an ImportError."""

    def imported(*_: Any) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stopped:
            raise ImportError("initialization failed") from stopped

    monkeypatch.setattr(where, imported)
    assert build.main(["gpt2", "smollm2", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "stopped; earlier builds are unchanged\n"


def test_a_build_in_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the main one may handle signals."""
    codes: list[int] = []
    monkeypatch.setattr(build, "make", lambda *_: None)
    thread = threading.Thread(target=lambda: codes.append(build.main(["gpt2", "--out", str(tmp_path)])))
    thread.start()
    thread.join()
    assert codes == [0]


def test_a_build_that_fails_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each failure is said as it happens, and again at the end."""

    def make(name: str, *_: Any) -> None:
        if name != "good":
            raise Refusal(f"there is no {name}")
        add(tmp_path, name)

    monkeypatch.setattr(build, "make", make)
    assert build.main(["bad", "good", "worse", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err.splitlines() == ["error: bad: there is no bad", "error: worse: there is no worse"]
    assert "bad was not built: there is no bad" in said.out and index(tmp_path) == [("good", True)]


def test_a_model_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its folder and its entry; also the entry of a folder that was deleted by hand."""
    for name in ("one", "two", "three"):
        add(tmp_path, name)
    shutil.rmtree(tmp_path / "three")
    for name in ("three", "one"):
        assert build.main(["--remove", name, "--out", str(tmp_path)]) == 0
    assert f"one was removed from {tmp_path}" in capsys.readouterr().out
    assert index(tmp_path) == [("two", True)]
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "two"}


@pytest.mark.parametrize("name", ["", ".", "..", "three", "index.json", "notes", "../notes"])
def test_nothing_else_is_removed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    add(out, "one")
    for folder in (out / "notes", tmp_path / "notes"):
        folder.mkdir()
        (folder / "mine.txt").write_text("mine")
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "notes/manifest.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    assert build.main(["--remove", name, "--out", str(out)]) == 2
    assert f"has no build called {name!r}; built are: one" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("out", ["file", "file/models", "read-only", "loop", "/proc/none"])
def test_a_place_that_cannot_be_used_is_named(
    out: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a folder, or one that cannot be made or written into; the sentence has no paths of the builder's own."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "read-only").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    if out == "read-only":  # root may write everywhere
        def refuse(**options: Any) -> str:
            raise PermissionError(13, "Permission denied", f"{options['dir']}/.building-x")

        monkeypatch.setattr(library.tempfile, "mkdtemp", refuse)
    assert build.main([str(checkpoint), "--out", str(tmp_path / out)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / out} cannot be used (") and "choose another folder with --out" in line
    assert ".building" not in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--list", "--remove", "x"], "--list cannot be combined with --remove"),
        (["--list", "gpt2"], "--list cannot be combined with a MODEL"),
        (["--list", "--out", "elsewhere"], "--list cannot be combined with --out"),
        (["--remove", "x", "gpt2"], "--remove cannot be combined with a MODEL"),
        (["--remove", "x", "--force"], "--remove cannot be combined with --force"),
        (["--remove", "", "--name", "y"], "--remove cannot be combined with --name"),
    ],
)
def test_no_option_is_ignored(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        build.main(options)
    assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_no_place_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    """--out "", which would be the current folder."""
    with pytest.raises(SystemExit):
        build.main(["gpt2", "--out", ""])
    assert "argument --out: must name a folder" in capsys.readouterr().err


def test_a_revision_of_what_has_none(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a file and a package."""
    for model in (str(checkpoint), "absent.gguf", "smollm2"):
        assert build.main([model, "--revision", "main", "--out", str(tmp_path)]) == 2
        assert f"{model} is not on the hub and has no revisions; leave out --revision" in capsys.readouterr().err


def test_the_package_of_a_library_without_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how the entry is removed."""
    add(tmp_path / "models", "one")
    shutil.rmtree(tmp_path / "models/one")
    with pytest.raises(package.NotPackable, match=r"models/one has no manifest\.json.* --remove one"):
        list(package.model_files(tmp_path / "models/one"))
