"""The folder of built models and its list, index.json: what is in it, and how a build gets in and out. Offline."""

import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

from export.architectures.families import Refusal

INDEX = "index.json"
MODEL_SCHEMA = "tokenlight.model/3"
LIBRARY_SCHEMA = "tokenlight.models/1"
FIRST = "gpt2"  # the default model if it is built
UNFINISHED = ".building-"
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")  # as in site/shared/manifest.js


def complete(folder: Path) -> dict[str, Any] | None:
    """The manifest of a build with all its chunks, or None."""
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        chunks = [chunk for file in found["files"] for chunk in file["chunks"]]
        whole = all((folder / chunk["name"]).stat().st_size == chunk["bytes"] for chunk in chunks)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole and found.get("schema") == MODEL_SCHEMA else None


def write_json(path: Path, value: Any) -> None:
    """Write to a temporary file and rename it, so that a reader never sees half a file."""
    partial = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(directory: Path) -> list[dict[str, Any]]:
    """The entries of index.json; where there is none, of the builds that lie there.

    Raises:
        Refusal: it is damaged, or something else.
    """
    path = directory / INDEX
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        is_list = found["schema"] == LIBRARY_SCHEMA and all(isinstance(m["id"], str) for m in found["models"])
    except FileNotFoundError:
        builds = [(folder.name, complete(folder)) for folder in sorted(directory.glob("[a-z0-9]*"))]
        return [entry(model) for name, model in builds if model and model.get("id") == name]
    except (ValueError, KeyError, TypeError, RecursionError, IsADirectoryError):
        is_list = False
    if not is_list:
        what = "is damaged or not a list of models"
        raise Refusal(f"{path} {what}; move it away, and the next build writes it again from the models that are there")
    models: list[dict[str, Any]] = found["models"]
    return models


def entry(model: dict[str, Any]) -> dict[str, Any]:
    """A model's entry in index.json, from its manifest."""
    stated = {key: model[key] for key in ("id", "name", "weights", "parameters", "license")}
    return {**stated, "bytes": sum(file["bytes"] for file in model["files"])}


def write(directory: Path, models: list[dict[str, Any]]) -> None:
    """Write index.json: gpt2 first, which is then the default; entries without files are left out."""
    kept = [dict(m) for m in models if (directory / m["id"] / "manifest.json").exists()]
    kept.sort(key=lambda m: m["id"] != FIRST)
    for position, m in enumerate(kept):
        m.pop("default", None)
        if position == 0:
            m["default"] = True
    write_json(directory / INDEX, {"schema": LIBRARY_SCHEMA, "models": kept})


def add(directory: Path, staged: Path, model: dict[str, Any], work: Path) -> None:
    """Put a finished build in place of the previous one of its id, and into index.json.

    Args:
        directory: the library.
        staged: the build; its folder is moved.
        model: its manifest.
        work: a folder beside it, which receives the previous build.

    Raises:
        Refusal: index.json is damaged, or a file has the id's name; nothing is changed.
    """
    with locked(directory):
        models = read(directory)
        with _in_place(staged, directory / model["id"], work):
            _write_with(directory, models, entry(model))


def enlist(directory: Path, name: str) -> None:
    """Put a complete build into index.json if it lacks it, as after a kill between its last two steps.

    Raises:
        Refusal: index.json is damaged.
    """
    with locked(directory):
        models, model = read(directory), complete(directory / name)
        is_listed = model is not None and any(entry(model).items() <= other.items() for other in models)
        if model is not None and not (is_listed and (directory / INDEX).exists()):
            _write_with(directory, models, entry(model))


def _write_with(directory: Path, models: list[dict[str, Any]], new: dict[str, Any]) -> None:
    """Write index.json with an entry in place of the previous one of its id, or at the end."""
    places = [m["id"] for m in models]
    if new["id"] in places:
        models[places.index(new["id"])] = new
    else:
        models.append(new)
    write(directory, models)


def remove(directory: Path, name: str) -> None:
    """Delete a build and its entry in index.json.

    Raises:
        Refusal: there is no such build.
    """
    if not directory.is_dir():
        raise Refusal(f"there is no folder {directory}")
    with locked(directory):
        models = read(directory)
        folder = directory / name
        is_build = ID.fullmatch(name) is not None and (folder / "manifest.json").is_file()
        if not is_build and name not in [m["id"] for m in models]:
            known = ", ".join(m["id"] for m in models) or "none"
            raise Refusal(f"{directory} has no build called {name!r}; built are: {known}")
        write(directory, [m for m in models if m["id"] != name])  # first: no reader of the list misses a file
        if is_build and folder.is_symlink():
            folder.unlink()
        elif is_build:
            shutil.rmtree(folder)


def check_place(final: Path) -> None:
    """Refuse to put a build where something else lies.

    Raises:
        Refusal: says what lies there.
    """
    if final.name == INDEX:
        raise Refusal(f"{INDEX} is the name of the list of models; choose another name with --name")
    if os.path.lexists(final) and not final.is_dir():
        raise Refusal(f"{final} is not a folder; choose another name with --name")
    if final.exists() and any(final.iterdir()) and not (final / "manifest.json").is_file():
        raise Refusal(f"{final} holds other files than a build; choose another name with --name")


@contextlib.contextmanager
def _in_place(staged: Path, final: Path, work: Path) -> Iterator[None]:
    """Replace the previous build with the finished folder; if it or what follows fails, the previous one is back."""
    check_place(final)
    previous = work / "previous" / final.name
    previous.parent.mkdir()
    try:
        if final.exists():
            final.rename(previous)
        staged.rename(final)
        yield
    except BaseException:
        if not staged.exists():
            final.rename(staged)
        if previous.exists():
            previous.rename(final)
        raise


@contextlib.contextmanager
def workplace(directory: Path) -> Iterator[Path]:
    """A temporary folder in the library; what killed builds left there is deleted."""
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with locked(directory):
            for left in directory.glob(f"{UNFINISHED}*"):
                _delete_unless_held(directory, left)
            work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=directory))
            held.enter_context(locked(work))  # until it is deleted, or this process is gone
        held.callback(shutil.rmtree, work, ignore_errors=True)
        yield work


def _delete_unless_held(directory: Path, left: Path) -> None:
    """Delete the folder of a build whose process is gone; a build that it was replacing goes back into its place."""
    try:
        with locked(left, wait=False):
            for previous in left.glob("previous/*"):
                if not (directory / previous.name).exists():
                    previous.rename(directory / previous.name)
            shutil.rmtree(left, ignore_errors=True)
    except OSError:  # it is held, or cannot be locked here
        return


@contextlib.contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process. OSError: it is held, and `wait` is false.

    Where a folder cannot be locked (on some network drives), only one build should run at a time.
    """
    if fcntl is None:
        if not wait:
            raise OSError("folders cannot be locked here")
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            if not wait:
                raise
        yield
    finally:
        os.close(handle)
