"""Checks which files a checkpoint has, before any weights are read."""

import contextlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from export.architectures.families import Refusal

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "sentencepiece.bpe.model")
TABLES = ("tokenizer.json", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json")  # JSON objects
POINTER = b"version https://git-lfs"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def is_pickle(name: str) -> bool:
    """Whether a file of this name may hold pickled weights."""
    return any(Path(name).match(pattern) for pattern in PICKLES)


def weight_files(place: str, names: list[str], read: Callable[[str], dict[str, Any]]) -> list[str]:
    """The files that hold the model's weights, as transformers would choose them: one file, or what the index names.

    Args:
        place: the repository or folder, for messages.
        names: every file there is.
        read: gives a JSON file of that place.

    Raises:
        Refusal: there are none, only pickles, only an adapter, or a shard is missing.
    """
    if WEIGHTS in names:
        return [WEIGHTS]
    if INDEX in names:
        shards = read(INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise Refusal(f"{place}: {INDEX} lists no weights; download it again")
        for name, file in shards.items():
            if not isinstance(file, str):
                raise Refusal(f"{place}: {INDEX} gives {file!r} as the file of {name}; download it again")
        wanted = sorted(set(shards.values()))
        missing = [name for name in wanted if name not in names]
        if missing:
            raise Refusal(f"{place} lacks {len(missing)} of its {len(wanted)} weight files, such as {missing[0]}")
        return wanted
    if "adapter_config.json" in names:
        raise Refusal(f"{place} is an adapter, not a whole model; merge it into its base model and save the result")
    pickles = [name for name in names if is_pickle(name)]
    if pickles:
        reason = f"only pickled weights ({pickles[0]}), which can run code when loaded"
        raise Refusal(f"{place} has {reason}; save it as safetensors first")
    others = [name for name in names if name.endswith(".safetensors")]
    if others:
        raise Refusal(f"{place} has {others[0]} but neither {WEIGHTS} nor {INDEX}; save it with save_pretrained")
    raise Refusal(f"{place} has no weights ({WEIGHTS})")


def check_is_no_pointer(path: Path) -> None:
    """Refuse the pointer that git leaves instead of a large file when git-lfs is missing.

    Raises:
        Refusal: says how to fetch the file.
    """
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise Refusal(f"{path} is a Git LFS pointer, not the file itself; run git lfs pull in its folder")


def read_tokenizer(directory: Path, place: str, names: list[str]) -> PreTrainedTokenizerFast:
    """The checkpoint's tokenizer; loaded before the weights are, so that a missing one costs no download.

    Raises:
        Refusal: there is none, or transformers cannot make a fast one of it.
    """
    if not any(name in names for name in TOKENIZERS):
        raise Refusal(f"{place} has no tokenizer (tokenizer.json or the like); add the one it was trained with")
    for name in TABLES:
        if name in names:
            _check_table(directory / name, f"{name} of {place}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer = AutoTokenizer.from_pretrained(directory, use_fast=True, trust_remote_code=False)
    except (TypeError, AttributeError, LookupError) as error:
        what = "have a value of a wrong kind"
        raise Refusal(f"the tokenizer files of {place} {what}; copy them again from the checkpoint") from error
    except Exception as error:  # anything its files may hold; transformers raises what comes to hand
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refusal(f"the tokenizer of {place} cannot be loaded ({reason})") from error
    if not tokenizer.is_fast:
        raise Refusal(f"{place} has a {type(tokenizer).__name__}, which has no tokenizer.json for the page")
    return tokenizer


def _check_table(path: Path, what: str) -> None:
    """Refuse a tokenizer's file that is not the JSON object it must be.

    Raises:
        Refusal: says what it must be.
    """
    kind, fits = "a JSON object", False
    with contextlib.suppress(ValueError, RecursionError):  # no JSON at all
        found = json.loads(path.read_text(encoding="utf-8"))
        fits = isinstance(found, dict)
    if path.name == "tokenizer.json":
        kind += ' with the list "added_tokens" and the object "model"'
        fits = fits and isinstance(found.get("added_tokens"), list) and isinstance(found.get("model"), dict)
    if not fits:
        raise Refusal(f"{what} must be {kind}; copy it again from the checkpoint")


def read_json(path: Path, name: str) -> dict[str, Any]:
    """A JSON object of a checkpoint's folder.

    Raises:
        Refusal: it is missing or broken.
    """
    try:
        found = json.loads((path / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refusal(f"{path} has no {name}; use a folder saved by transformers") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{path / name} is not valid JSON ({error})") from None
    if not isinstance(found, dict):
        raise Refusal(f"{path / name} is not a JSON object")
    return found
