"""The attention matrices of a run, kept chunk by chunk while they fit into a limit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pyscripts.layers import Layers

FLOAT32 = 4  # bytes


class KeptAttention:
    """All attention matrices of the positions read so far; above `limit` bytes none of them.

    Nothing is kept from the start of a text that is known to be too long: memory that Python takes it never gives back.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._chunks: list[NDArray[np.float32]] | None = []  # [layer, head, query, key]; None: too large

    @property
    def complete(self) -> bool:
        """Whether the matrices fit into the limit; those of a long text do not."""
        return self._chunks is not None

    def append(self, chunk: Layers, expected: int = 0) -> NDArray[np.float32] | None:
        """Adds the next queries [layer, head, query, key], key = positions up to the last of them. expected: positions
        that the run will have, as known. Returns them as one array; None if they were too large to be copied."""
        layers, heads = chunk.shape[:2]
        if layers * heads * expected * expected * FLOAT32 / 2 > self._limit:
            self._chunks = None
        if self._chunks is None:
            return None
        own = chunk[:]
        self._chunks.append(own)
        if sum(each.nbytes for each in self._chunks) > self._limit:
            self._chunks = None
        return own

    def drop(self) -> None:
        """Keeps none of them, as for a text that is too long."""
        self._chunks = None

    def keep(self, length: int) -> None:
        """Drops all positions after the first `length`."""
        kept, start = [], 0
        for chunk in self.chunks():
            if start < length:
                kept.append(chunk[:, :, : length - start, :length])
            start += chunk.shape[2]
        self._chunks = None if self._chunks is None else kept

    def chunks(self) -> list[NDArray[np.float32]]:
        """The chunks as they were appended; none if they were too large to keep."""
        return list(self._chunks or [])

    def all(self) -> NDArray[np.float32]:
        """[layer, head, query, key] by position, zeros above the diagonal. ValueError: they were not kept."""
        if self._chunks is None:
            raise ValueError("This text is too long for its attention matrices to be kept. "
                             "Shorten it or, without a browser, read it with keep=('attentions',).")
        if not self._chunks:
            raise ValueError("The attention matrices of this text were not kept: read it with keep=('attentions',).")
        return join_queries(self._chunks)

    def matrix(self, layer: int, head: int) -> NDArray[np.float32] | None:
        """[query, key] of one head, by position, zeros above the diagonal; None if it was too large to keep."""
        return None if self._chunks is None else join_queries([chunk[layer, head] for chunk in self._chunks])

    def row(self, position: int) -> NDArray[np.float32] | None:
        """[layer, head, key] of one query, keys 0 ... position; None if the matrices were too large to keep."""
        start = 0
        for chunk in self.chunks():
            if position < start + chunk.shape[2]:
                return chunk[:, :, position - start, : position + 1]
            start += chunk.shape[2]
        return None


def join_queries(chunks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Chunks [..., query, key] that follow one another, each as wide as the text read so far, as one of all queries."""
    *others, _, width = chunks[-1].shape if chunks else (0, 0)
    joined, start = np.zeros((*others, sum(chunk.shape[-2] for chunk in chunks), width), np.float32), 0
    for chunk in chunks:
        queries, keys = chunk.shape[-2:]
        joined[..., start : start + queries, :keys] = chunk
        start += queries
    return joined
