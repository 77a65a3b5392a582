"""Texts longer than the context: which windows to read, and which tokens each window scores.

The strided windows of the transformers documentation ("Perplexity of fixed-length models"): each begins `stride`
positions after the previous one; the overlap is read again as context and not scored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Window:
    """Positions start ... stop - 1 of the text with its prefix, read as positions 0, 1, ...

    This window scores the tokens at positions `scored` ... stop - 1: row p - start - 1 of its outputs predicts the
    token at position p.
    """

    start: int
    stop: int
    scored: int


def plan(positions: int, context: int, stride: int) -> list[Window]:
    """The windows for a text of `positions` positions, prefix token included, and a model with that `context`.

    Only the first window contains the prefix token, since the others do not start a document. Every position except
    the first is scored exactly once; after the first window each has at least `context - stride` positions of context.
    A text that fits is one window. stride: 1 ... context - 1; small strides give more context and take more passes.
    """
    if positions < 1 or context < 2 or not 0 < stride < context:
        raise ValueError(
            f"strided windows need at least 1 position, a context of at least 2 and a stride below it, not "
            f"{positions} positions, a context of {context} and a stride of {stride}."
        )
    windows, start, scored = list[Window](), 0, 1
    while scored < positions or not windows:
        stop = min(start + context, positions)
        windows.append(Window(start, stop, scored))
        start, scored = start + stride, stop
    return windows


def context_of(windows: Sequence[Window]) -> NDArray[np.int64]:
    """[position] how many positions of context each has in the window that scores it; 0 for position 0."""
    counts = [np.zeros(1, np.int64)]
    counts += [np.arange(window.scored - window.start, window.stop - window.start) for window in windows]
    return np.concatenate(counts)


def combine(windows: Sequence[Window], parts: Sequence[ArrayLike]) -> NDArray:
    """One array [position, ...] from the windows' [window position, ...], each position from the window that scores it.

    Parts hold a number of the token at each position, such as its log-probability; position 0 comes from the first
    window (NaN: nothing precedes it). Parts that do not match their windows raise ValueError.
    """
    if len(windows) != len(parts):
        raise ValueError(f"{len(windows)} windows need {len(windows)} parts, not {len(parts)}.")
    arrays = [np.asarray(part) for part in parts]
    for window, array in zip(windows, arrays, strict=True):
        if not array.ndim or len(array) != window.stop - window.start:
            size = window.stop - window.start
            raise ValueError(f"a window of {size} positions cannot have numbers of shape {array.shape}.")
    pairs = zip(windows, arrays, strict=True)
    return np.concatenate([arrays[0][:1], *(array[window.scored - window.start :] for window, array in pairs)])
