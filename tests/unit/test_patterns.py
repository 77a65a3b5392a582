"""Attention patterns in the cases that are easily missed: ties, empty rows, no heads; runs in CPython."""

import numpy as np
import pytest

from pyscripts.colour import scales
from pyscripts.metrics import patterns


def test_ties_and_empty_rows() -> None:
    row = np.array([[0.2, np.nan, 0.2, 0.0]], np.float32)
    assert patterns.top(row, 3).tolist() == [[0, 2, -1]]
    levels, most = scales.row_levels(np.array([[np.nan, np.nan], [0, np.nan]], np.float32))
    assert levels.tolist() == [[-1, -1], [0, -1]] and most.tolist() == [0, 0]
    assert patterns.strongest(np.zeros((3, 3), np.float32), 5)[0].shape == (0, 2)
    with pytest.raises(ValueError, match="'mean' or 'max'"):
        patterns.combined([row], "sum")
    with pytest.raises(ValueError, match="at least one head"):
        patterns.combined([], "mean")


def test_the_fewest_weights_that_hold_a_share_by_hand() -> None:
    """Half of the mass is held by one of two equal weights, the first."""
    pattern = np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.125, 0.5, 0.25, 0.125]], np.float32)
    for share, expected in (
        (0.5, [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]),
        (0.51, [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0]]),
        (0.75, [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0]]),
        (1, [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]),
    ):
        np.testing.assert_array_equal(patterns.largest(pattern, share), expected)
        shown = patterns.without_small(pattern, share)
        np.testing.assert_array_equal(shown, np.where(expected, pattern, np.nan))


@pytest.mark.parametrize("size", [2, 9, 150])
def test_the_strongest_links_are_those_of_a_full_sort(size: int, generator: np.random.Generator) -> None:
    """With many equal weights, rows without any, and more links asked for than there are."""
    weights = np.tril(np.round(generator.random((size, size)) ** 4, 2)).astype(np.float32)
    weights[generator.integers(size)] = 0
    pattern = np.where(np.tri(size) > 0, weights, np.nan).astype(np.float32)
    pairs = [(-weights[q, k], q, k) for q in range(size) for k in range(1, q) if weights[q, k] > 0]
    for count in (1, 7, size, 20_000):
        links, found = patterns.strongest(pattern, count)
        expected = sorted(pairs)[:count]
        assert links.tolist() == [[q, k] for _, q, k in expected]
        np.testing.assert_array_equal(found, np.array([-w for w, *_ in expected], np.float32))
