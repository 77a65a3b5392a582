"""What a patch of the page copies from A, as it is written in the kind of its variants."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscripts.alignment import Align
from pyscripts.patching import Place, Stream, copied_positions, difference, head_places, places

PATCH = "patch"  # the kinds of variants that belong to the pinned reading, too, begin with it


@dataclass(frozen=True)
class Patch:
    """What is copied: the residual stream, place by place, or `heads`, each at a token (None: at every token)."""

    align: Align = None
    heads: bool = False
    token: int | None = None

    @property
    def kind(self) -> str:
        """The name of its variants."""
        return f"{PATCH}:{json.dumps(vars(self))}"

    @staticmethod
    def of(kind: str) -> "Patch":
        """What `kind` has named."""
        return Patch(**json.loads(kind.partition(":")[2]))

    def places(self, a: Stream, b: Stream, heads: int) -> list[Place]:
        """What must be computed, in order."""
        return head_places(a, b, self.token, heads) if self.heads else places(a, b)

    def rows(self, a: Stream, b: Stream, position: int, heads: int) -> NDArray[np.float32]:
        """[position, layer, hidden or head · head_size] what is added to B at the places that begin at a position."""
        every = self.heads and self.token is None
        at = tuple(p for p in copied_positions(a, b) if p >= position) if every else (position,)
        found = [[difference(a, b, Place(layer, at, head)) for head in (range(heads) if self.heads else [None])]
                 for layer in range(len(a.residual))]
        rows = np.stack([np.concatenate(layer, axis=-1) for layer in found], axis=1)  # [copied, layer, size]
        whole = np.zeros((at[-1] - position + 1, *rows.shape[1:]), np.float32)
        whole[np.array(at) - position] = rows
        return whole
