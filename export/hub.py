"""The model hub: list a repository, read its config and download only what is needed. Uses the network.

The hub's own client does the transfers: files land in its cache, an interrupted one resumes.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub import utils as errors
from huggingface_hub.errors import LocalEntryNotFoundError

from export.architectures.families import Refusal

TIMEOUT = 8  # seconds to wait for an answer before the hub counts as unreachable
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "config.json",
    "*.safetensors.index.json",
)


class HubUnreachable(Refusal):
    """The hub cannot be reached; a package, a folder or a file would still work."""


@dataclass
class Files:
    """The files of a repository at one commit."""

    repository: str
    commit: str
    names: list[str]
    sizes: dict[str, int] = field(default_factory=dict)
    license: str | None = None
    local: Path | None = None  # where it already is, when only the cache may be used


def place() -> dict[str, Any]:
    """The hub's address and cache folder, from the client's own environment variables."""
    return {"endpoint": os.environ.get("HF_ENDPOINT"), "cache_dir": os.environ.get("HF_HUB_CACHE")}


def is_repository_id(text: str) -> bool:
    """Whether `text` has the form owner/name."""
    return re.fullmatch(r"[\w][\w.-]*/[\w][\w.-]*", text) is not None


def api() -> HfApi:
    """The client."""
    return HfApi(endpoint=place()["endpoint"])


def reachable() -> bool:
    """Whether the hub answers within TIMEOUT."""
    try:
        requests.head(api().endpoint, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        return False
    return True


def listing(repository: str, revision: str | None) -> Files:
    """The files of a repository at a revision, without downloading any.

    Raises:
        HubUnreachable: no answer.
        Refusal: no such repository or revision, or no permission to read it.
    """
    at = f"{repository} at {revision}" if revision else repository
    try:
        info = api().model_info(repository, revision=revision, timeout=TIMEOUT, files_metadata=True)
    except errors.GatedRepoError:
        raise Refusal(f"{repository} is gated; accept its terms on its page, then log in") from None
    except errors.RevisionNotFoundError:
        raise Refusal(f"{repository} has no revision {revision!r}") from None
    except errors.RepositoryNotFoundError:
        raise Refusal(f"the hub has no public model {repository!r} (or it needs a login)") from None
    except (errors.HfHubHTTPError, requests.RequestException) as error:
        raise unreachable(at, error) from None
    files = info.siblings or []
    card = info.card_data
    return Files(
        repository,
        str(info.sha),
        [file.rfilename for file in files],
        {file.rfilename: file.size or 0 for file in files},
        getattr(card, "license", None) if card else None,
    )


def unreachable(what: str, error: Exception) -> HubUnreachable:
    """What was tried and what would still work, in one line."""
    response = getattr(error, "response", None)
    reason = f"answered {response.status_code}" if response is not None else "cannot be reached"
    return HubUnreachable(
        f"{what} cannot be downloaded: the model hub {reason}; try again later, use a local folder or .gguf file, "
        "or build smollm2, which comes from the Python package index"
    )


def cached(repository: str, revision: str | None) -> Files:
    """What the hub's cache holds of a repository, for --offline.

    Raises:
        Refusal: it is not there.
    """
    try:
        local = Path(snapshot_download(repository, revision=revision, local_files_only=True, **place()))
    except LocalEntryNotFoundError:
        raise Refusal(f"{repository} is not in the hub's cache, and --offline forbids downloading it") from None
    names = [str(path.relative_to(local)) for path in local.rglob("*") if path.is_file()]
    return Files(repository, local.name, names, local=local)


def config(files: Files) -> dict[str, Any]:
    """The repository's config.json, the only file read before deciding.

    Raises:
        Refusal: there is none.
    """
    if "config.json" not in files.names:
        gguf = next((name for name in files.names if name.endswith(".gguf")), None)
        hint = f"download {gguf} and pass that file" if gguf else "choose a transformers checkpoint"
        raise Refusal(f"{files.repository} has no config.json; {hint}")
    return read_json(files, "config.json")


def read_json(files: Files, name: str) -> dict[str, Any]:
    """A small JSON file of the repository.

    Raises:
        Refusal: it is broken.
    """
    path = files.local / name if files.local else Path(fetch(files, name))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refusal(f"{name} of {files.repository} is not valid JSON ({error})") from None
    if not isinstance(found, dict):
        raise Refusal(f"{name} of {files.repository} is not a JSON object")
    return found


def fetch(files: Files, name: str) -> str:
    """Download one small file."""
    try:
        return hf_hub_download(files.repository, name, revision=files.commit, etag_timeout=TIMEOUT, **place())
    except (errors.HfHubHTTPError, requests.RequestException, LocalEntryNotFoundError) as error:
        raise unreachable(files.repository, error) from None


def check_space(files: Files, weights: list[str]) -> None:
    """Compare the free disk space with the listing.

    Raises:
        Refusal: the disk is too small.
    """
    needed = 0 if files.local else sum(files.sizes.get(name, 0) for name in weights)
    free = shutil.disk_usage(constants.HF_HOME if Path(constants.HF_HOME).exists() else Path.home()).free
    if needed > free:
        space = f"{needed / 1e9:.1f} GB of disk space, but only {free / 1e9:.1f} GB are free"
        raise Refusal(f"{files.repository} needs {space}")


def download(files: Files, weights: list[str]) -> Path:
    """Download weights and tokenizer to the hub's cache and return the folder; existing files are kept.

    Raises:
        HubUnreachable: the connection was lost; partial files are kept and the next try resumes.
    """
    if files.local:
        return files.local
    if not sys.stderr.isatty():
        errors.disable_progress_bars()
    try:
        folder = snapshot_download(
            files.repository,
            revision=files.commit,
            allow_patterns=[*weights, *TOKENIZER_FILES],
            etag_timeout=TIMEOUT,
            max_workers=2,
            **place(),
        )
    except (errors.HfHubHTTPError, requests.RequestException, LocalEntryNotFoundError) as error:
        raise unreachable(files.repository, error) from None
    return Path(folder)
