"""Texts longer than the context: which windows to read, which tokens count from each, and with how much context.

The strided windows of the transformers documentation ("Perplexity of fixed-length models"): each begins `stride`
positions after the one before and repeats the rest of it, which is read again as context and not scored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Window:
    """Positions start ... stop - 1 of the text with its prefix, read by themselves as positions 0, 1, ...

    The tokens at positions `scored` ... stop - 1 count from this window: row p - start - 1 of its outputs predicts the
    token at position p.
    """

    start: int
    stop: int
    scored: int


def plan(positions: int, context: int, stride: int) -> list[Window]:
    """The windows of a text of so many positions, prefix token included, for a model that reads `context` at once.

    Only the first window holds the prefix token: the others start no document. Every token but the first position is
    scored exactly once; beyond the first window each has at least `context - stride` positions before it. A text that
    fits is one window. stride: 1 ... context - 1; small strides give more context and take more passes.
    """
    if positions < 1 or context < 2 or not 0 < stride < context:
        raise ValueError(
            f"strided windows need a position, a context of 2 and a stride below it, not {positions} positions, a "
            f"context of {context} and a stride of {stride}."
        )
    windows, start, scored = list[Window](), 0, 1
    while scored < positions or not windows:
        stop = min(start + context, positions)
        windows.append(Window(start, stop, scored))
        start, scored = start + stride, stop
    return windows


def context_of(windows: Sequence[Window]) -> NDArray[np.int64]:
    """[position] how many positions the model saw before each, in the window it is scored in; 0 for position 0."""
    counts = [np.zeros(1, np.int64)]
    counts += [np.arange(window.scored - window.start, window.stop - window.start) for window in windows]
    return np.concatenate(counts)


def combine(windows: Sequence[Window], parts: Sequence[ArrayLike]) -> NDArray:
    """One array [position, ...] from the windows' own [window's position, ...], each position from where it is scored.

    Parts hold numbers of the token at their position, such as its log-probability; that of position 0 comes from the
    first window (NaN: nothing comes before it). Parts that do not fit their windows raise ValueError.
    """
    if len(windows) != len(parts):
        raise ValueError(f"{len(windows)} windows need as many parts, not {len(parts)}.")
    arrays = [np.asarray(part) for part in parts]
    for window, array in zip(windows, arrays, strict=True):
        if not array.ndim or len(array) != window.stop - window.start:
            size = window.stop - window.start
            raise ValueError(f"a window of {size} positions cannot have numbers of shape {array.shape}.")
    pairs = zip(windows, arrays, strict=True)
    return np.concatenate([arrays[0][:1], *(array[window.scored - window.start :] for window, array in pairs)])
