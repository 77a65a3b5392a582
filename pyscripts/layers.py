"""Arrays of all layers, processed a few layers at a time to save memory."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 8_000_000  # processed together: a page's Python never gives back the most memory it took


class Layers(Protocol):
    """An array [layer, ...], float32: numpy's, or one in JavaScript of which layers are copied (page/arrays.py)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, layers: slice, /) -> NDArray[np.float32]: ...


def in_blocks(array: Layers) -> Iterator[NDArray[np.float32]]:
    """The array in blocks of layers, each of at most BLOCK_BYTES or of one layer."""
    layers, *others = array.shape
    together = max(1, BLOCK_BYTES // max(1, 4 * math.prod(others)))
    for first in range(0, layers, together):
        yield array[first : first + together]
