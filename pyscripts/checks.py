"""Checks of single arguments, each answered with one sentence."""

from numbers import Integral
from typing import Any

import numpy as np


def is_whole(value: Any) -> bool:
    """Whether it is an integer of Python or numpy."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number in a range. ValueError: it is none."""
    if not is_whole(value) or value < least or (most is not None and value > most):
        limits = f", {least} or more" if most is None else f" from {least} to {most}"
        raise ValueError(f"{name} must be a whole number{limits}, not {value!r}.")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """True or False. ValueError: it is neither."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, not {value!r}.")
    return bool(value)
