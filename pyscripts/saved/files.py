"""The files a run can be saved as, by kind; every one names model, weights, prefix, interventions and version."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pyscripts.checks import said
from pyscripts.run import Reading, build
from pyscripts.saved.csv_file import tokens_csv
from pyscripts.saved.embed import embed
from pyscripts.saved.html_page import html_page
from pyscripts.saved.npz import write_npz


@dataclass(frozen=True)
class Saveable:
    """A run, with what its files need besides."""

    reading: Reading
    vocabulary: Sequence[str]  # [id]
    manifest: Mapping[str, Any]
    colouring: str = "hue"  # of the page of coloured text, and of what is embedded
    address: str = ""  # a link to the text in Tokenlight, for that page; "": none
    more: Mapping[str, NDArray] | None = None  # more arrays for NPZ, by name


@dataclass(frozen=True)
class Kind:
    """A format."""

    type: str  # media type
    write: Callable[[Saveable], bytes]


def _json(run: Saveable) -> bytes:
    return json.dumps(build(run.reading, run.vocabulary, run.manifest), ensure_ascii=False, allow_nan=False).encode()


def _csv(run: Saveable) -> bytes:
    return tokens_csv(run.reading, run.vocabulary, run.manifest).encode()


def _npz(run: Saveable) -> bytes:
    return write_npz(run.reading, run.vocabulary, run.manifest, run.more)


def _html(run: Saveable) -> bytes:
    return html_page(run.reading, run.vocabulary, run.manifest, run.colouring, run.address).encode()


def _embed(run: Saveable) -> bytes:
    shown = embed(run.reading, run.vocabulary, run.manifest, run.colouring)
    return json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()


KINDS = {
    "json": Kind("application/json", _json),
    "csv": Kind("text/csv;charset=utf-8", _csv),
    "npz": Kind("application/zip", _npz),
    "html": Kind("text/html;charset=utf-8", _html),
    "embed": Kind("application/json", _embed),
}


def write(run: Saveable, kind: str) -> bytes:
    """The file's bytes. ValueError: there is no such kind."""
    if kind not in KINDS:
        raise ValueError(f"There is no file of the kind {said(kind)}. Choose from {', '.join(KINDS)}.")
    return KINDS[kind].write(run)
