"""Writes dist/tokenlight.zip: the page, its runtime and built models, for any static server; run by `make package`."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):  # run as a script: import from the repository, not from this folder
    sys.path[0] = str(ROOT)

from export import library  # noqa: E402
from export.architectures.families import Refusal  # noqa: E402
from export.site import shell  # noqa: E402

SITE = ROOT / "site"
WORKER = ("headers.js", "sw.js")  # not part of a release: the browser stores these two itself


class NotPackable(Exception):
    """A file of the package is missing or damaged; the message says what to do."""


def choose(site: Path, wanted: list[str]) -> dict[str, Any]:
    """models/index.json reduced to the given models (default: all that are built), the first one the default."""
    try:
        built = {entry["id"]: entry for entry in library.read(site / "models")}
    except Refusal as error:
        raise NotPackable(str(error)) from None
    if not built:
        raise NotPackable("no model has been built; run python export/build.py")
    if missing := [name for name in wanted if name not in built]:
        raise NotPackable(f"{missing[0]} has not been built; run python export/build.py {missing[0]}")
    entries = [entry for name, entry in built.items() if not wanted or name in wanted]
    if not any(entry.get("default") for entry in entries):
        entries[0] = {**entries[0], "default": True}
    return {"schema": library.LIBRARY_SCHEMA, "models": entries}


def model_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """One model's manifest and the files it names, each checked against its hash."""
    again = f"build {folder.name} again, or remove it: python export/build.py --remove {folder.name}"
    try:
        text = (folder / "manifest.json").read_bytes()
        manifest = json.loads(text)
        parts = [chunk for file in manifest["files"] for chunk in file["chunks"]] + manifest.get("examples", [])
        hashes = sorted({str(part["name"]): part["sha256"] for part in parts}.items())
    except FileNotFoundError:
        raise NotPackable(f"models/{folder.name} has no manifest.json; {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotPackable(f"models/{folder.name}/manifest.json is damaged; {again}") from None
    yield "manifest.json", text
    for name, sha256 in hashes:
        data = (folder / name).read_bytes() if (folder / name).exists() else b""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise NotPackable(f"{folder.name}/{name} is missing or damaged; {again}")
        yield name, data


def contents(site: Path, wanted: list[str]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every file of the package."""
    if not (site / "vendor/NOTICES").exists():
        raise NotPackable("the page's libraries have not been built; run make vendor")
    index = choose(site, wanted)
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()
    for path in sorted([*shell.page_files(site), *WORKER]):
        yield path, (site / path).read_bytes()
    yield shell.SHELL, shell.describe(site).encode()
    yield "models/index.json", json.dumps(index, indent=1, ensure_ascii=False).encode()
    for entry in index["models"]:
        for name, data in model_files(site / "models" / entry["id"]):
            yield f"models/{entry['id']}/{name}", data


def write(site: Path, target: Path, wanted: list[str]) -> None:
    """The archive; equal files give equal bytes. After NotPackable the previous archive is unchanged."""
    if target.is_dir():
        raise NotPackable(f"{target} is a folder; --out names the file to write")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for path, data in contents(site, wanted):
                info = zipfile.ZipInfo(f"tokenlight/{path}", date_time=(1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_STORED if path.endswith(".bin") else zipfile.ZIP_DEFLATED
                info.create_system, info.external_attr = 3, 0o644 << 16  # the same on every system
                archive.writestr(info, data)
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):  # where nothing could be written, nothing is left
            part.unlink()


def main(argv: list[str] | None = None) -> int:
    """Command line: models to pack (default: all) and --out. Exit code 2 and one line if something is missing, damaged
    or cannot be written."""
    parser = argparse.ArgumentParser(prog="export/site/package.py", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of built models (default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist/tokenlight.zip")
    parser.add_argument("--site", type=Path, default=SITE, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    try:
        write(options.site, options.out, options.models)
    except NotPackable as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or options.out}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the previous package is unchanged", file=sys.stderr)
        return 130
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
