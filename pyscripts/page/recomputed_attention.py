"""Attention computed again on demand, since the text is too long to keep all of it: some layers, 16 bits per weight."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.survey import Survey

LAYER_BYTES = 230_000_000  # of all kept layers; the least recently used one is dropped first
STEPS = 65535  # a weight is kept as a whole number of 1 / STEPS: off by 8e-6 at most


@dataclass
class RecomputedAttention:
    """What was computed again for one run, and the survey gathered from it; discarded with its run."""

    layers: dict[int, list[NDArray[np.uint16]]] = field(default_factory=dict)  # chunks [head, query, key] in order
    survey: Survey | None = None
    shown: tuple[Any, NDArray[np.float32]] | None = None  # the combination shown last, after what it depends on
    _arriving: dict[int, list[NDArray[np.uint16]]] = field(default_factory=dict)
    _surveying: Survey | None = None

    def begin(self, layers: Sequence[int], survey: Survey | None) -> None:
        """Prepares for the chunks of some layers, or of all for a survey, whose first layers are kept, as many as fit.

        An earlier request that has not been finished is dropped.
        """
        if survey is not None:
            count, heads = survey.total.shape
            layers = range(min(count, LAYER_BYTES // layer_bytes(1, heads, survey.length)))
        self._arriving = {layer: [] for layer in layers}
        self._surveying = survey

    def add(self, chunk: NDArray[np.float32]) -> None:
        """Takes the next queries [layer, head, query, key] of what `begin` announced."""
        if self._surveying is not None:
            self._surveying.add(chunk)
        for part, chunks in zip(chunk, self._arriving.values(), strict=False):
            chunks.append(np.rint(part * np.float32(STEPS)).astype(np.uint16))

    def finish(self) -> None:
        """Keeps what has arrived, and of the other layers only as many as fit into LAYER_BYTES with it."""
        if self._surveying is not None:
            self.survey, self._surveying = self._surveying, None
        arrived, self._arriving = self._arriving, {}
        self.layers |= arrived
        sizes = {layer: sum(chunk.nbytes for chunk in chunks) for layer, chunks in self.layers.items()}
        for layer in list(self.layers):
            if sum(sizes.values()) > LAYER_BYTES and layer not in arrived:
                del self.layers[layer], sizes[layer]

    def matrix(self, layer: int, head: int) -> NDArray[np.float32] | None:
        """[query, key] of one head; None if its layer is not kept. The layer counts as used now."""
        if layer not in self.layers:
            return None
        chunks = self.layers[layer] = self.layers.pop(layer)
        length = chunks[-1].shape[2]
        joined = np.zeros((length, length), np.float32)
        for chunk in chunks:
            queries, keys = chunk.shape[1:]
            np.divide(chunk[head], np.float32(STEPS), out=joined[keys - queries : keys, :keys])
        return joined


def layer_bytes(layers: int, heads: int, length: int) -> int:
    """About how many bytes this many layers of a text take: half a square of 16-bit weights for each head."""
    return layers * heads * length * (length + 64)
