"""Checks of single arguments, each answered with one sentence."""

import os
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from pyscripts.json_text import is_too_deep

LONGEST = 60  # characters of a value in a message

LONGEST_PATH = 4096  # bytes, of Linux


def said(value: Any) -> str:
    """A wrong value for a message, on one line and cut; of whatever kind it is, even one that cannot be written out."""
    try:
        words = None if is_too_deep(value) else " ".join(repr(value).split())
    except Exception:  # of the value's own class, or a number of too many digits
        words = None
    if words is None:
        words = f"one of type {type(value).__name__}"
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def is_whole(value: Any) -> bool:
    """Whether it is an integer of Python or numpy."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Whether it is a list, a tuple or an array with an axis."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number in a range. ValueError: it is none."""
    if not is_whole(value) or value < least or (most is not None and value > most):
        limits = f", {least} or more" if most is None else f" from {least} to {most}"
        raise ValueError(f"{name} must be a whole number{limits}, not {said(value)}.")
    return int(value)


def index(value: Any, count: int) -> int:
    """The index of one of a text's tokens. ValueError: there is no such token."""
    if not is_whole(value) or not 0 <= value < count:
        raise ValueError(f"There is no token {said(value)}: the text has {count} tokens, numbered from 0.")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """True or False. ValueError: it is neither."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, not {said(value)}.")
    return bool(value)


def path_of(what: str, value: Any) -> Path:
    """The path of a file or folder. ValueError: it is none."""
    if not isinstance(value, str | os.PathLike) or not (text := str(value)) or not _is_name(text):
        raise ValueError(f"{what} must be a path, not {said(value)}.")
    return Path(text)


def _is_name(text: str) -> bool:
    """Whether a file system can have such a name."""
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return b"\0" not in name and len(name) <= LONGEST_PATH
