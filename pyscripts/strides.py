"""Texts longer than the context: which windows to read, which tokens each scores, and the run they make together.

The strided windows of the transformers documentation ("Perplexity of fixed-length models"): each begins `stride`
positions after the previous one; the overlap is read again as context and not scored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscripts.model_outputs import ModelShape
from pyscripts.trace import Trace

ONLY_LIKELIHOODS = "This text was read in windows: layers and attention need a text within the context."


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


def tokens_seen(windows: Sequence[Window], first: int) -> NDArray[np.int64]:
    """[token] how many tokens of the text before each token the model saw. first: 1 after a prefix token, which does
    not count, else 0."""
    seen = context_of(windows)
    seen[: windows[0].stop] -= first
    return seen[first:]


class StridedTrace(Trace):
    """The likelihoods of a text read in strided windows: each token has the statistics of the window that scores it.

    Nothing else is kept: attention and hidden states belong to one window and have no meaning over the text.
    """

    why_no_layers = ONLY_LIKELIHOODS
    in_windows = True

    def __init__(
        self, ids: Sequence[int], shape: ModelShape, context: int, stride: int, *, prefix: bool,
        begins_word: NDArray[np.bool_] | None = None,
    ) -> None:
        super().__init__(ids, shape, prefix=prefix, begins_word=begins_word)
        self.context, self.stride = context, stride
        self.windows = plan(len(ids), context, stride)
        self._window, self._read = 0, 0  # the window under way, and its positions that were read

    def score(self, logits: NDArray[np.float32]) -> None:
        """Adds the logits [query, vocab] of the next positions of a window; after its last one the next window begins.

        ValueError if they do not fit.
        """
        window = self.windows[min(self._window, len(self.windows) - 1)]
        start = window.start + self._read
        stop = start + len(logits)
        if self._window == len(self.windows) or stop > window.stop or logits.shape[1] != self.shape.vocab_size:
            raise ValueError(f"logits of shape {logits.shape} do not fit window {self._window}, of which "
                             f"{self._read} positions were read.")
        # A row belongs to the window that scores the token after it, so only the last window keeps its last row.
        end = stop if window.stop == len(self.ids) else min(stop, window.stop - 1)
        first = max(start, window.scored - 1)
        if first < end:
            self._score(logits[first - start : end - start], first)
            self.length = end
        self._read += len(logits)
        if stop == window.stop:
            self._window, self._read = self._window + 1, 0

    def tokens_seen(self) -> NDArray[np.int64]:
        return tokens_seen(self.windows, self.first)[: self.shown]
