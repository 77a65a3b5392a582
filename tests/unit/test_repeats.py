"""Repeated passages against a brute-force search; runs in CPython."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.metrics.repeats import Copy, copies, second_copy_curve


def longest_repeat(ids: list[int], t: int) -> tuple[int, int]:
    """(length, source) of the longest earlier passage equal to what starts at t, by trying all."""
    best = (0, 0)
    for source in range(t):
        length = 0
        while source + length < t and t + length < len(ids) and ids[source + length] == ids[t + length]:
            length += 1
        if length > best[0]:
            best = (length, source)
    return best


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 4))
def test_equals_brute_force(ids: list[int], shortest: int) -> None:
    expected, t = [], 0
    while t < len(ids):
        length, source = longest_repeat(ids, t)
        if length >= shortest:
            expected.append(Copy(t, source, length))
        t += max(1, length if length >= shortest else 1)
    assert copies(ids, shortest) == expected


def test_curve_by_hand() -> None:
    # Three times A B C with other tokens between; the last stops after two.
    ids = [1, 2, 3, 9, 1, 2, 3, 8, 1, 2]
    surprisal = np.array([np.nan, 4, 6, 1, 3, 1, 0.5, 7, 5, 3])
    found = second_copy_curve(surprisal, ids, shortest=2)
    assert copies(ids, 2) == [Copy(4, 0, 3), Copy(8, 0, 2)]
    np.testing.assert_array_equal(found.first, [np.nan, 4, 6])
    np.testing.assert_array_equal(found.later, [4, 2, 0.5])
    np.testing.assert_array_equal(found.count, [2, 2, 1])


def test_edges_and_bad_input() -> None:
    assert copies([]) == [] and copies([1]) == []
    nothing = second_copy_curve([1.0, 2.0], [1, 2])
    assert nothing.first.shape == nothing.later.shape == nothing.count.shape == (0,)
    with pytest.raises(ValueError, match="shortest"):
        copies([1, 2], 0)
    with pytest.raises(ValueError, match="surprisals"):
        second_copy_curve([1.0], [1, 2])
