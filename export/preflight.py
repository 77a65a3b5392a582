"""Before the work starts: the memory that a build and the page will need, and whether the tokenizer fits the model."""

import math
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import PreTrainedTokenizerFast

from export.architectures.families import Refusal
from export.report import console
from export.weights.layout import read_json, weight_files

BUILD_BASE, BUILD_EACH = 0.8e9, 20  # bytes: libraries and texts, and for each parameter; SmolLM2 peaks at 3.1 GB
PAGE_BASE, PAGE_EACH = 0.5e9, 4  # bytes: the runtime and 256 tokens, and for each parameter in fp32
PAGE_MOST = 2**32  # all the memory WebAssembly can address
FLOATS = ("F64", "F32", "F16", "BF16")  # the types of weights that are read, as safetensors calls them
LEAST_CONTEXT = 8  # positions: what the checks of a build read
ITEM_BYTES = {"float32": 4, "float64": 8}  # of the types in checkpoints; the others have two


def parameters(directory: Path, gguf: str | None) -> int:
    """The number of weights in a checkpoint on disk, from the headers of its files.

    Raises:
        Refusal: a file is damaged, or has weights in a type that needs another library.
    """
    if gguf:
        from export.weights.gguf_file import opened

        return sum(int(tensor.n_elements) for tensor in opened(directory / gguf).tensors)
    total = 0
    names = [path.name for path in directory.iterdir()]
    for name in weight_files(str(directory), names, lambda name: read_json(directory, name)):
        try:
            with safe_open(directory / name, "np") as file:
                for key in list(file.keys()):
                    tensor = file.get_slice(key)
                    total += math.prod(tensor.get_shape())
                    if key.endswith(".weight") and tensor.get_dtype() not in FLOATS:
                        what = f"{key} is stored as {tensor.get_dtype()}; supported: {', '.join(FLOATS)}"
                        raise Refusal(f"{directory / name}: {what}; choose the original checkpoint")
        except SafetensorError as error:
            raise Refusal(f"{directory / name} cannot be read ({error}); fetch it again") from None
    return total


def check_vocabulary(place: str, tokenizer: PreTrainedTokenizerFast, rows: int) -> None:
    """Refuse a tokenizer with more tokens than the model has embeddings. Added tokens do not count: those without a row
    are read as text.

    Raises:
        Refusal: says how many there are of each.
    """
    ids = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False).values()
    tokens = max(ids, default=-1) + 1
    if tokens > rows:
        what = f"has {tokens} tokens, but the model {rows} rows (vocab_size)"
        raise Refusal(f"the tokenizer of {place} {what}; use the one it was trained with, or correct config.json")


def check_context(place: str, positions: int) -> None:
    """Refuse a model that can read hardly any text.

    Raises:
        Refusal: says how many positions are needed.
    """
    if positions < LEAST_CONTEXT:
        raise Refusal(f"{place} reads at most {positions} positions; a build needs {LEAST_CONTEXT} or more")


def expected_parameters(sizes: dict[str, int], weights: list[str], config: dict[str, Any]) -> int:
    """The same from a repository's listing, before any download."""
    stored = str(config.get("dtype") or config.get("torch_dtype") or "float32").removeprefix("torch.")
    return sum(sizes.get(name, 0) for name in weights) // ITEM_BYTES.get(stored, 2)


def free_memory() -> int | None:
    """Bytes that can still be allocated on this machine, including swap; None if the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError, AttributeError):
            return None
    found = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in lines)}
    return found["MemAvailable"] + found["SwapFree"]


def refuse_too_large(place: str, count: int) -> None:
    """Refuse a build that needs more memory than this machine has.

    Raises:
        Refusal: says how much is needed and how much is free.
    """
    needed, free = BUILD_BASE + BUILD_EACH * count, free_memory()
    if free is not None and needed > free:
        memory = f"{needed / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free"
        raise Refusal(f"building {place} ({count / 1e6:.3g} million parameters) needs {memory}")


def tell(place: str, count: int) -> None:
    """Print what the build needs, and a warning when no browser tab could hold the model.

    Raises:
        Refusal: the machine cannot hold the build.
    """
    refuse_too_large(place, count)
    built, page = BUILD_BASE + BUILD_EACH * count, PAGE_BASE + PAGE_EACH * count
    line = f"  {count / 1e6:.3g} million parameters: the build needs up to {built / 1e9:.1f} GB of memory"
    console.print(f"{line}, the page about {page / 1e9:.1f} GB")
    if page > PAGE_MOST:
        console.print("  [bold]A browser tab can use at most 4.3 GB: the page cannot load a model of this size.[/bold]")
