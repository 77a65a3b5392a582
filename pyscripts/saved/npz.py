"""NPZ files of a run: every array by the library's names, the Run, and what opens it again without its model."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import run
from pyscripts.json_text import parse_json
from pyscripts.metrics import METRICS
from pyscripts.run import Reading

SCHEMA = "tokenlight.npz/1"
ROWS = "rows/"  # arrays by position, from which the trace is made again
LARGE = {"attentions": "attentions", "hidden_states": "resid"}  # of the trace: what the library calls them
NOT_NEEDED = {"files", "examples", "decode", "fidelity"}  # parts of a manifest that no view of a run reads
MOST_BYTES = 2_000_000_000  # of one file's arrays
# What reading a damaged archive raises; RuntimeError: an entry is said to be encrypted.
DAMAGED = (zipfile.BadZipFile, zlib.error, TokenError, RuntimeError, ValueError, EOFError, OSError, MemoryError)
FAST = 1  # zlib's level: half of an attention matrix is zeros, the rest hardly shrinks


@dataclass(frozen=True)
class NpzFile:
    """What an NPZ file holds."""

    run: dict[str, Any]  # the Run
    about: dict[str, Any]  # {manifest, conditions, tokens, vocabulary: {id: text}}
    state: dict[str, NDArray]  # of Trace.restore


def is_npz(data: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return data[:4] == b"PK\x03\x04"


def write_npz(
    reading: Reading, vocabulary: Sequence[str], manifest: Mapping[str, Any], more: Mapping[str, NDArray] | None = None
) -> bytes:
    """The file's bytes. Its arrays, by name: ids, texts, spans, every metric of pyscripts/metrics ([token] or [word]),
    words [word, 2], attention_entropy [layer, head, token], hidden_norm [layer+1, token], attentions and resid as far
    as they were kept, and `more`; `about` is JSON. Nothing is pickled. A text read in windows has no layers. [token]
    are those that were read; `about` has them all."""
    trace, tokens, scored, read = reading.trace, reading.tokens, reading.scored(), reading.trace.shown
    arrays: dict[str, NDArray] = {
        "ids": np.array(tokens.ids[:read], np.int64), "texts": np.array(tokens.texts[:read], np.str_),
        "spans": tokens.spans[:read],
        "words": scored.words, **{name: each.values(scored) for name, each in METRICS.items()}, **(more or {}),
    }
    if trace.has_attention:
        arrays["attention_entropy"] = trace.attention_entropy()
    if trace.has_hidden_states:
        arrays["hidden_norm"] = trace.hidden_norm()
    for name, rows in trace.state().items():
        arrays[LARGE.get(name, ROWS + name)] = rows
    top_ids = scored.statistics.top_ids
    known = {*np.unique(top_ids).tolist(), *trace.ids, *(id for step in reading.steps.values() for id in (
        *step.raw.ids.tolist(), *step.sampled.ids.tolist()))}
    about = {
        "schema": SCHEMA,
        "run": run.build(reading, vocabulary, manifest),
        "manifest": {name: value for name, value in manifest.items() if name not in NOT_NEEDED},
        "prefix": trace.ids[0] if trace.prefix else None,
        "tokens": tokens.to_json(),
        "vocabulary": {str(id): vocabulary[id] for id in sorted(known)},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=FAST) as archive:
        for name, array in {"about": np.array(json.dumps(about, allow_nan=False)), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
    return file.getvalue()


def read_npz(data: bytes, name: str) -> NpzFile:
    """What write_npz wrote. ValueError, calling the file `name`: it is something else, damaged, or too large."""
    arrays: dict[str, NDArray] = {}
    wanted = {"about", *LARGE.values()}
    too_large = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            too_large = sum(each.file_size for each in archive.infolist()) > MOST_BYTES
            for entry in () if too_large else archive.namelist():
                key = entry.removesuffix(".npy")
                if key in wanted or key.startswith(ROWS):
                    with archive.open(entry) as file:
                        arrays[key] = np.lib.format.read_array(file, allow_pickle=False)
    except DAMAGED as error:
        raise ValueError(f"{name} is damaged ({error}).") from None
    if too_large:
        raise ValueError(f"{name} is too large: its arrays have more than {MOST_BYTES / 1e9:.0f} GB.")
    about: Any = None
    if "about" in arrays and arrays["about"].dtype.kind == "U" and arrays["about"].ndim == 0:
        with suppress(ValueError):  # it is not JSON: it is none of ours
            about = parse_json(str(arrays.pop("about")))
    if not isinstance(about, dict) or about.get("schema") != SCHEMA or not isinstance(about.get("run"), dict):
        raise ValueError(f"{name} is not a saved run (NPZ).")
    own = {large: mine for mine, large in LARGE.items()}
    return NpzFile(about["run"], about, {own.get(key) or key.removeprefix(ROWS): each for key, each in arrays.items()})
