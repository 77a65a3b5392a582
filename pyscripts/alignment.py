"""Which position of one text, A, goes with which of another, B, when A's activations are copied into B."""

from collections.abc import Sequence
from typing import Any

from pyscripts.checks import is_whole, said

ALIGNMENTS = ("start", "end", "both")  # both: the beginning and the end that the texts have in common
NOWHERE = -1
Align = str | Sequence[Sequence[int]] | None
"""One of ALIGNMENTS, or pairs [token of A, token of B], numbered from 0 without the prefix token; None: position by
position, if the texts have as many tokens."""


def origins(a: Sequence[int], b: Sequence[int], first: int, align: str | Sequence[Sequence[int]]) -> tuple[int, ...]:
    """[position of B] the position of A that goes with it, NOWHERE: none. The prefix token goes with the prefix token.

    a, b: ids [position]. first: the position of the first shown token of both. ValueError: there is no such alignment,
    or the pairs do not fit the texts.
    """
    if not isinstance(align, str):
        return _by_hand(checked_pairs(align, len(a) - first, len(b) - first), len(b), first)
    check_name(align)
    of_a, of_b = len(a), len(b)
    begin, end, shorter = of_b, 0, min(of_a, of_b)  # positions from the start, and from the end
    if align == "end":
        begin, end = first, shorter - first
    elif align == "both":
        begin = next((p for p in range(shorter) if a[p] != b[p]), shorter)
        end = next((n for n in range(shorter - begin) if a[-1 - n] != b[-1 - n]), shorter - begin)
    return tuple(p if p < min(begin, of_a) else p - of_b + of_a if p >= of_b - end else NOWHERE for p in range(of_b))


def check_name(align: str) -> None:
    """ValueError: it names none of ALIGNMENTS."""
    if align not in ALIGNMENTS:
        raise ValueError(f"align is one of {', '.join(ALIGNMENTS)}, or a list of pairs, not {said(align)}.")


def checked_pairs(pairs: Any, of_a: int, of_b: int) -> list[tuple[int, int]]:
    """Pairs [token of A, token of B] of texts of so many tokens. ValueError: one is none, or a token is in two."""
    if not isinstance(pairs, Sequence) or not all(_is_pair(each) for each in pairs):
        raise ValueError("align: each pair is [token of A, token of B], two whole numbers.")
    if not pairs:
        raise ValueError("Pair at least one token of A with one of B.")
    for side, (name, count) in enumerate((("A", of_a), ("B", of_b))):
        tokens = [pair[side] for pair in pairs]
        for token in tokens:
            if not 0 <= token < count:
                raise ValueError(f"align: {name} has no token {token}: it has {count}, numbered from 0.")
            if tokens.count(token) > 1:
                raise ValueError(f"align: token {token} of {name} is in two pairs.")
    return [(int(one), int(other)) for one, other in pairs]


def _is_pair(given: Any) -> bool:
    whole = isinstance(given, Sequence) and len(given) == 2 and not isinstance(given, str)
    return whole and all(is_whole(each) for each in given)


def _by_hand(pairs: Sequence[tuple[int, int]], of_b: int, first: int) -> tuple[int, ...]:
    origin = [*range(first), *[NOWHERE] * (of_b - first)]
    for one, other in pairs:
        origin[other + first] = one + first
    return tuple(origin)
