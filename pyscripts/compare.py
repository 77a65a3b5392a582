"""Two readings side by side: what each found likelier than the other, aligned by bytes; CPython and Pyodide."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.tokens import checked_spans, own_bytes

PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)  # what texts that differ are matched by


@dataclass(frozen=True)
class Reading:
    """What is compared of a reading."""

    model: str  # name
    tokens: Mapping[str, Any]  # text, ids, texts, bytes, hex as the tokenizer gave them
    logprob: NDArray[np.float64]  # [token] nats, NaN = null


def change(of: Reading, other: Reading) -> NDArray[np.float64]:
    """[token of `of`] how much likelier its bytes are here than in the other reading, nats; NaN = no counterpart.

    Passages that both texts have are matched. Where the tokens are cut differently, the log-probabilities of the
    shortest stretch that begins and ends with a token in both are added up, and all its tokens get that difference.
    """
    data, other_data = own_bytes(of.tokens), own_bytes(other.tokens)
    spans, other_spans = checked_spans(data, of.tokens["bytes"]), checked_spans(other_data, other.tokens["bytes"])
    result = np.full(len(of.logprob), np.nan)
    for start, other_start, length in blocks(data, other_data):
        here, there = _ends(spans, start, length), _ends(other_spans, other_start, length)
        shared = sorted(here.keys() & there.keys())
        for left, right in pairwise(shared):
            mine, theirs = slice(here[left], here[right]), slice(there[left], there[right])
            result[mine] = of.logprob[mine].sum() - other.logprob[theirs].sum()
    return result


def blocks(data: bytes, other: bytes) -> list[tuple[int, int, int]]:
    """Passages both texts have, in order, as (byte in data, byte in other, bytes)."""
    if data == other:
        return [(0, 0, len(data))]
    # A byte that is no part of a character is one by itself, so that the pieces' lengths add up.
    pieces, others = (PIECE.findall(each.decode(errors="surrogateescape")) for each in (data, other))
    starts, other_starts = _offsets(pieces), _offsets(others)
    found = SequenceMatcher(None, pieces, others, autojunk=False).get_matching_blocks()
    return [
        (starts[m.a], other_starts[m.b], starts[m.a + m.size] - starts[m.a]) for m in found if m.size
    ]


def _offsets(pieces: list[str]) -> list[int]:
    """Byte where each piece begins, and where the last one ends."""
    return [0, *np.cumsum([len(piece.encode(errors="surrogateescape")) for piece in pieces], dtype=int).tolist()]


def _ends(spans: NDArray[np.int64], start: int, length: int) -> dict[int, int]:
    """Byte offsets inside a passage at which a token begins or the one before ends → the index of that token."""
    ends = {int(begin) - start: i for i, (begin, _) in enumerate(spans.tolist())}
    if len(spans):
        ends[int(spans[-1, 1]) - start] = len(spans)
    return {offset: i for offset, i in ends.items() if 0 <= offset <= length}
