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
