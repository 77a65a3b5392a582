"""What every head does on one text, gathered chunk by chunk, so that no text is too long for it."""

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.attention import mean_distance

BLOCKS = 24  # blocks along each side of a reduced pattern


class Survey:
    """All heads over `length` positions. Chunks are added in reading order; `complete` once all have been.

    block: [position] the block of each position; blocks are as equal as they can be, one a position in short texts.
    """

    def __init__(self, layers: int, heads: int, length: int) -> None:
        blocks = min(BLOCKS, length)
        self.length, self.seen = length, 0  # positions
        self.block = np.arange(length) * blocks // length
        self.edges = np.searchsorted(self.block, np.arange(blocks))  # [block] its first position
        shape = layers, heads
        self.maxima = np.zeros((*shape, blocks, blocks), np.float32)  # [layer, head, query block, key block]
        self.sums = np.zeros((*shape, blocks, blocks), np.float32)  # the same, of all weights in the block
        self.mean = np.zeros((length, length), np.float32)  # [query, key] over all heads
        self.most = np.zeros((length, length), np.float32)  # [query, key] the largest of all heads
        self.distance = np.zeros((*shape, length))  # [layer, head, query] mean distance to the keys it attends to
        self.received = np.zeros((*shape, length))  # [layer, head, key] from later positions, summed
        self.total = np.zeros(shape)  # [layer, head] sum of the weights without the sink
        self.square = np.zeros(shape)  # and of their squares

    @property
    def complete(self) -> bool:
        """Whether all positions have been added."""
        return self.seen == self.length

    def add(self, chunk: NDArray[np.float32]) -> None:
        """Takes attention [layer, head, query, key] of the next queries, key = positions up to the last of them.

        ValueError if it does not fit.
        """
        layers, heads, queries, keys = chunk.shape
        start, stop = self.seen, self.seen + queries
        if keys != stop or stop > self.length or (layers, heads) != self.total.shape:
            raise ValueError(f"attention of shape {chunk.shape} does not fit after {start} of {self.length} positions.")
        edges = self.edges[self.edges < keys]
        columns = slice(len(edges))
        by_key = np.maximum.reduceat(chunk, edges, axis=3)  # [layer, head, query, key block]
        sum_by_key = np.add.reduceat(chunk, edges, axis=3)
        for block in np.unique(self.block[start:stop]):
            rows = np.flatnonzero(self.block[start:stop] == block)
            mine = slice(rows[0], rows[-1] + 1)
            place = self.maxima[:, :, block, columns]
            np.maximum(place, by_key[:, :, mine].max(axis=2), out=place)
            self.sums[:, :, block, columns] += sum_by_key[:, :, mine].sum(axis=2)
        self.mean[start:stop, :keys] = chunk.sum(axis=(0, 1)) / np.float32(layers * heads)
        self.most[start:stop, :keys] = chunk.max(axis=(0, 1))
        self.distance[:, :, start:stop] = mean_distance(chunk.reshape(-1, queries, keys), start).reshape(
            layers, heads, queries)
        row = np.arange(queries)
        self.received[:, :, :keys] += chunk.sum(axis=2)
        self.received[:, :, start:stop] -= chunk[:, :, row, start + row]  # without a position's attention to itself
        rest = chunk[:, :, :, 1:]
        self.total += rest.sum(axis=(2, 3), dtype=np.float64)
        self.square += np.einsum("lhqk,lhqk->lh", rest, rest)
        self.seen = stop

    def mean_received(self) -> NDArray[np.float64]:
        """[layer, head, key] mean attention of the later positions to each; NaN for the last, which has none."""
        later = np.arange(self.length - 1, -1, -1)
        return self.received / np.where(later > 0, later, np.nan)

    def seen_blocks(self) -> NDArray[np.bool_]:
        """[query block, key block] whether any query of the block can see any of the keys."""
        side = np.arange(len(self.edges))
        return side[:, None] >= side

    def block_means(self) -> NDArray[np.float64]:
        """[layer, head, query block, key block] mean of the weights a block can hold; NaN where it can hold none."""
        visible = np.tri(self.length, dtype=np.float32)  # [query, key]
        count = np.add.reduceat(np.add.reduceat(visible, self.edges, axis=0), self.edges, axis=1)
        return self.sums / np.where(count > 0, count, np.nan)
