"""The hidden states of a run: all of them if they fit into a limit, else those of its first positions."""

import math

import numpy as np
from numpy.typing import NDArray

GROWTH = 1.25  # factor by which the buffer grows, at least, when a text becomes longer than expected


class KeptHiddenStates:
    """[layer+1, position, hidden] of every position if they fit into `limit` bytes and into memory.

    Of a text that is known to be too long for that, those of the first positions are kept, up to `when_long` bytes; one
    that grows too long keeps what it has. They lie in one buffer: joining chunks would take twice the memory, which a
    page's Python never gives back.
    """

    def __init__(self, limit: float, when_long: float = math.inf) -> None:
        self._limit, self._when_long = limit, min(limit, when_long)
        self._buffer: NDArray[np.float32] | None = None  # [layer+1, room, hidden]
        self._kept = self._read = 0  # positions

    @property
    def complete(self) -> bool:
        """Whether there are any, and they are of every position read."""
        return 0 < self._kept == self._read

    def append(self, states: NDArray[np.float32], expected: int) -> None:
        """Adds the next positions [layer+1, position, hidden]. expected: positions that the run will have, as known."""
        layers, count, size = states.shape
        one = states.itemsize * layers * size  # bytes of a position
        fits = self._limit / one  # positions
        if fits < max(expected, self._read + count):
            fits = max(self._when_long / one, self._kept)
        taken = max(0, int(min(self._read + count, fits)) - self._read) if self._kept == self._read else 0
        needed = self._kept + taken
        if taken and (self._buffer is None or self._buffer.shape[1] < needed):
            try:
                room = 0 if self._buffer is None else int(GROWTH * self._buffer.shape[1])
                larger = np.empty((layers, int(min(fits, max(needed, expected, room))), size), states.dtype)
                if self._buffer is not None:
                    larger[:, : self._kept] = self._buffer[:, : self._kept]
                self._buffer = larger
            except MemoryError:  # a run without them is better than none
                self._limit, self._when_long, taken, needed = 0, 0, 0, self._kept
        if taken and self._buffer is not None:
            self._buffer[:, self._kept : needed] = states[:, :taken]
        self._kept, self._read = needed, self._read + count

    def keep(self, length: int) -> None:
        """Drops all positions after the first `length`."""
        self._kept, self._read = min(self._kept, length), min(self._read, length)

    def first(self) -> NDArray[np.float32]:
        """[layer+1, position, hidden] of the positions kept. ValueError: the model was not asked for any."""
        if self._buffer is None:
            raise ValueError("The hidden states of this text were not kept: read it with keep=('resid',).")
        return self._buffer[:, : self._kept]

    def all(self) -> NDArray[np.float32]:
        """[layer+1, position, hidden] of every position read. ValueError: they are not all kept."""
        first = self.first()
        if not self.complete:
            raise ValueError(f"Hidden states are kept for the first {self._kept:,} positions of this text, which has "
                             f"{self._read:,}. Shorten it.")
        return first

    def at(self, position: int) -> NDArray[np.float32] | None:
        """[layer+1, hidden] of one position; None if it lies after those kept. ValueError as `first`."""
        if self._read and self._buffer is None:
            return None
        first = self.first()
        return first[:, position] if position < first.shape[1] else None
