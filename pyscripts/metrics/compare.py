"""Two readings side by side: the change in likelihood, aligned by bytes."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pyscripts.tokens import Tokens

PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)  # the units by which differing texts are aligned


@dataclass(frozen=True)
class Reading:
    """The parts of a reading that are compared."""

    model: str  # name
    tokens: Tokens
    logprob: NDArray[np.float64]  # [token] nats, NaN = null


def change(of: Reading, other: Reading) -> NDArray[np.float64]:
    """[token of `of`] log-probability of its bytes here minus that in the other reading, nats; NaN = no counterpart.

    Shared passages are aligned. If the tokenization differs, log-probabilities are summed over the shortest span whose
    ends are token boundaries in both, and every token in it gets that difference.
    """
    data, other_data = of.tokens.data, other.tokens.data
    spans, other_spans = of.tokens.spans, other.tokens.spans
    result = np.full(len(of.logprob), np.nan)
    for start, other_start, length in blocks(data, other_data):
        here, there = _ends(spans, start, length), _ends(other_spans, other_start, length)
        shared = sorted(here.keys() & there.keys())
        for left, right in pairwise(shared):
            mine, theirs = slice(here[left], here[right]), slice(there[left], there[right])
            result[mine] = of.logprob[mine].sum() - other.logprob[theirs].sum()
    return result


def blocks(data: bytes, other: bytes) -> list[tuple[int, int, int]]:
    """Passages shared by both texts, in order, as (byte in data, byte in other, bytes)."""
    if data == other:
        return [(0, 0, len(data))]
    # A byte that is not part of a character counts as one, so that the pieces' lengths add up.
    pieces, others = (PIECE.findall(each.decode(errors="surrogateescape")) for each in (data, other))
    starts, other_starts = _offsets(pieces), _offsets(others)
    matches = SequenceMatcher(None, pieces, others, autojunk=False).get_matching_blocks()
    return [
        (starts[m.a], other_starts[m.b], starts[m.a + m.size] - starts[m.a]) for m in matches if m.size
    ]


def _offsets(pieces: list[str]) -> list[int]:
    """The byte at which each piece begins, and the one at which the last ends."""
    return [0, *np.cumsum([len(piece.encode(errors="surrogateescape")) for piece in pieces], dtype=int).tolist()]


def _ends(spans: NDArray[np.int64], start: int, length: int) -> dict[int, int]:
    """Byte offsets of token boundaries inside a passage → the index of the token that begins there."""
    ends = {int(begin) - start: i for i, (begin, _) in enumerate(spans.tolist())}
    if len(spans):
        ends[int(spans[-1, 1]) - start] = len(spans)
    return {offset: i for offset, i in ends.items() if 0 <= offset <= length}
