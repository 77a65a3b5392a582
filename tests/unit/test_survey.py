"""The survey of all heads against plain numpy on the whole matrices, with chunks of any length; runs in CPython."""

import numpy as np
import pytest

from pyscripts.metrics.survey import BLOCKS, Survey


@pytest.mark.parametrize("length", [1, 8, 41, 100])
def test_thumbnails_are_reduced_by_maximum(length: int, generator: np.random.Generator) -> None:
    """Every weight is at most its block's maximum, and some weight equals it; chunks may end within a block."""
    rows = np.tril(generator.random((2, 3, length, length), dtype=np.float32))
    rows /= rows.sum(axis=3, keepdims=True)
    found = Survey(2, 3, length)
    for start in range(0, length, 7):
        stop = min(start + 7, length)
        assert not found.complete
        found.add(rows[:, :, start:stop, :stop])
    assert found.complete
    blocks = min(BLOCKS, length)
    assert found.maxima.shape == (2, 3, blocks, blocks)
    for i in range(blocks):
        for j in range(blocks):
            part = rows[:, :, found.block == i][:, :, :, found.block == j]
            np.testing.assert_array_equal(found.maxima[:, :, i, j], part.max(axis=(2, 3)))
            np.testing.assert_allclose(found.sums[:, :, i, j], part.sum(axis=(2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.mean, rows.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_array_equal(found.most, rows.max(axis=(0, 1)))
    back = np.arange(length)[:, None] - np.arange(length)
    np.testing.assert_allclose(found.distance, (rows * back).sum(axis=3), rtol=1e-4, atol=1e-5)
    later = np.tril(np.ones((length, length)), -1)
    with np.errstate(invalid="ignore"):
        expected = (rows * later).sum(axis=2) / np.where(later.sum(axis=0) > 0, later.sum(axis=0), np.nan)
    np.testing.assert_allclose(found.mean_received(), expected, rtol=1e-4, atol=1e-6)
