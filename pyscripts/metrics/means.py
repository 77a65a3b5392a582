"""Means over values of which some are missing."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def known_mean(values: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """The mean over one axis of the values that are not NaN, in float64; NaN if there are none."""
    array = np.asarray(values, np.float64)
    known = ~np.isnan(array)
    count = known.sum(axis=axis)
    total = np.where(known, array, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
