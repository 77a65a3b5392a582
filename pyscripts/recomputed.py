"""Attention of a text that is too long to keep all of it: some layers at a time, and what all heads do."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.survey import Survey

LAYER_BYTES = 100_000_000  # of the layers that are kept; the one that was used longest ago goes first


@dataclass
class Recomputed:
    """What has been computed again for one run, and what was gathered from it; it ends with its run."""

    layers: dict[int, list[NDArray[np.float32]]] = field(default_factory=dict)  # chunks [head, query, key] in order
    survey: Survey | None = None
    arriving: dict[int, list[NDArray[np.float32]]] = field(default_factory=dict)
    surveying: Survey | None = None
    shown: tuple[Any, NDArray[np.float32]] | None = None  # the combination that was shown last, by what it depends on

    def begin(self, layers: list[int], survey: Survey | None) -> None:
        """Prepares for the chunks of some layers, or of all for a survey. What had arrived only in part is dropped."""
        self.arriving = {layer: [] for layer in layers}
        self.surveying = survey

    def add(self, chunk: NDArray[np.float32]) -> None:
        """Takes the next queries [layer, head, query, key] of what `begin` announced."""
        if self.surveying is not None:
            self.surveying.add(chunk)
            return
        for part, chunks in zip(chunk, self.arriving.values(), strict=True):
            chunks.append(part)

    def finish(self) -> None:
        """Keeps what has arrived, and no more than LAYER_BYTES of layers, but at least those."""
        if self.surveying is not None:
            self.survey, self.surveying = self.surveying, None
        arrived, self.arriving = self.arriving, {}
        self.layers |= arrived
        sizes = {layer: sum(chunk.nbytes for chunk in chunks) for layer, chunks in self.layers.items()}
        for layer in list(self.layers):
            if sum(sizes.values()) > LAYER_BYTES and layer not in arrived:
                del self.layers[layer], sizes[layer]

    def use(self, layer: int) -> list[NDArray[np.float32]] | None:
        """The chunks of a layer, which counts as used now; None if it is not kept."""
        if layer in self.layers:
            self.layers[layer] = self.layers.pop(layer)
        return self.layers.get(layer)
