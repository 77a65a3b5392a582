"""Comparing two readings by bytes: hand-computed cases and texts cut at random; runs in CPython."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.metrics.compare import Reading, blocks, change
from tests.unit.cut_text import tokens_of


def kept(pieces: list[str], logprob: list[float]) -> Reading:
    """A reading whose tokens are these pieces of text."""
    return Reading("m", tokens_of(*(piece.encode() for piece in pieces)), np.array(logprob))


def test_the_same_cut_is_a_plain_difference() -> None:
    one, other = kept(["a", "é", "🙂"], [-1, -2, -3]), kept(["a", "é", "🙂"], [-2, -2, -0.5])
    np.testing.assert_allclose(change(one, other), [1, 0, -2.5])
    np.testing.assert_allclose(change(other, one), [-1, 0, 2.5])


def test_other_cuts_are_compared_over_shared_stretches() -> None:
    one = kept(["un", "believ", "able", " news"], [-1, -2, -3, -4])
    other = kept(["unbel", "ievable", " ne", "ws"], [-5, -6, -1, -2])
    np.testing.assert_allclose(change(one, other), [5, 5, 5, -1])  # -6 against -11, -4 against -3
    np.testing.assert_allclose(change(other, one), [-5, -5, 1, 1])


def test_passages_of_one_text_only_have_no_counterpart() -> None:
    one = kept(["the", " cat", " sat"], [-1, -2, -3])
    other = kept(["a", " cat", " stood"], [-4, -5, -6])
    np.testing.assert_allclose(change(one, other), [np.nan, 3, np.nan])


def test_a_cut_character_shifts_nothing() -> None:
    """Half a flamingo in one text, none in the other: the rest is compared byte by byte all the same."""
    half = Reading("m", tokens_of(b"\xf0\x9f", b" a", b" b"), np.array([-1.0, -2, -3]))
    none = kept([" a", " b"], [-5, -7])
    np.testing.assert_allclose(change(half, none), [np.nan, 3, 4])


def test_a_token_without_probability_has_none() -> None:
    one, other = kept(["a", "b"], [np.nan, -1]), kept(["a", "b"], [-1, -3])
    np.testing.assert_allclose(change(one, other), [np.nan, 2])


# Words, characters of several bytes, and bytes that are no UTF-8.
PIECES = [b"the", b" cat", "é".encode(), "🦩".encode(), b"\xf0\x9f", b"\xa9", b"\n"]
PARTS = st.lists(st.sampled_from(PIECES), max_size=9)


@given(PARTS.map(b"".join), PARTS.map(b"".join))
def test_blocks_are_equal_bytes_in_order(data: bytes, other: bytes) -> None:
    at = other_at = 0
    for start, other_start, length in blocks(data, other):
        assert start >= at and other_start >= other_at
        assert data[start : start + length] == other[other_start : other_start + length]
        at, other_at = start + length, other_start + length


@given(st.text(alphabet="ab é🙂", min_size=1, max_size=20), st.data())
def test_changes_over_the_same_text_add_up(text: str, data: st.DataObject) -> None:
    """Over the whole text the stretches' differences, counted once each, sum to the difference of the totals."""

    def cut() -> Reading:
        places = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)))))
        ends = [0, *[p for p in places if p < len(text)], len(text)]
        pieces = [text[a:b] for a, b in pairwise(ends)]
        return kept(pieces, [-float(data.draw(st.integers(0, 50))) for _ in pieces])

    one, other = cut(), cut()
    found = change(one, other)
    assert np.isfinite(found).all()
    shared = set(one.tokens.spans[:, 0]) & set(other.tokens.spans[:, 0])
    once = [value for (start, _), value in zip(one.tokens.spans, found, strict=True) if start in shared]
    assert sum(once) == one.logprob.sum() - other.logprob.sum()
