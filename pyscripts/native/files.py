"""Reads a model folder as the exporter wrote it: manifest.json, and files joined from verified chunks."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyscripts.checks import is_whole
from pyscripts.json_text import parse_json

SCHEMA = "tokenlight.model/3"


def _is_size(value: Any) -> bool:
    return is_whole(value) and value > 0


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(file, dict) and isinstance(file.get("path"), str) and isinstance(file.get("chunks"), list)
        and all(isinstance(chunk, dict) and isinstance(chunk.get("name"), str) and "sha256" in chunk
                for chunk in file["chunks"])
        for file in value)


NEEDED: dict[str, Callable[[Any], bool]] = {  # of a manifest, and what it must be
    "name": lambda value: isinstance(value, str),
    **dict.fromkeys(("layers", "heads", "kv_heads", "head_size", "hidden_size", "vocab_size", "context_length"),
                    _is_size),
    **dict.fromkeys(("inputs", "outputs"), lambda value: isinstance(value, dict)),
    "eos": lambda value: isinstance(value, list),
    "files": _are_files,
}


class ModelError(ValueError):
    """A model folder cannot be used; the message says why and what to do."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """manifest.json of a model folder. ModelError: there is none, or it is of another version."""
    path = folder / "manifest.json"
    try:
        manifest = parse_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"{folder} is not a model folder: it has no manifest.json. `python export/build.py` writes "
                         f"one into site/models/<id>.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise ModelError(f"{path} cannot be read as JSON ({error}). Build the model again.") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        schema = manifest.get("schema") if isinstance(manifest, dict) else None
        said = "names no schema" if schema is None else f"has the schema {schema!s:.60}"
        raise ModelError(f"{path} {said}, but this version reads {SCHEMA}. Build the model again.")
    for name, is_usable in NEEDED.items():
        if not is_usable(manifest.get(name)):
            raise ModelError(f"{path} has no usable {name}. Build the model again.")
    return manifest


def read_file(folder: Path, manifest: Mapping[str, Any], path: str) -> bytes:
    """One of the model's files, its chunks checked against their hashes. ModelError: one is missing or damaged."""
    entry = next((file for file in manifest["files"] if file["path"] == path), None)
    if entry is None:
        raise ModelError(f"{folder} has no {path}. Build the model again.")
    parts = []
    for chunk in entry["chunks"]:
        try:
            data = (folder / chunk["name"]).read_bytes()
        except FileNotFoundError:
            raise ModelError(f"{folder / chunk['name']} is missing, a part of {path}. Build the model again.") from None
        if hashlib.sha256(data).hexdigest() != chunk["sha256"]:
            raise ModelError(f"{folder / chunk['name']}, a part of {path}, is damaged. Build the model again.")
        parts.append(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
