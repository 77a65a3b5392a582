"""Numbers as JSON has them: no NaN, no infinities, no numpy."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def number(value: float) -> float | int | None:
    """A JSON number: None for NaN and infinities, a plain int or float otherwise."""
    if isinstance(value, int | np.integer):
        return int(value)
    return float(value) if math.isfinite(value) else None


def numbers(array: NDArray) -> Any:
    """An array as nested lists with None for NaN and infinities."""
    if np.isfinite(array).all():
        return array.tolist()
    return [numbers(part) if isinstance(part, np.ndarray) else number(part) for part in array]
