"""The current run as a view sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import patching
from pyscripts.metrics import compare
from pyscripts.page.beside import Beside
from pyscripts.page.recomputed_attention import RecomputedAttention
from pyscripts.run import Reading


@dataclass(frozen=True)
class Inspected:
    """One position that was run again: logits [vocab], if the graph has a lens, lens logits [layer, vocab] and, if the
    run does not keep them, hidden states [layer+1, hidden]."""

    position: int
    logits: NDArray[np.float32]
    lens_logits: NDArray[np.float32] | None
    hidden_states: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Context:
    """The current run and what was recomputed for it."""

    reading: Reading
    model: Mapping[str, Any]
    vocabulary: Sequence[str]
    inspected: Inspected | None = None
    recomputed: RecomputedAttention = field(default_factory=RecomputedAttention)
    pinned: compare.Reading | None = None  # a reading to compare with
    pinned_stream: patching.Stream | None = None  # its residual stream
    beside: Beside = field(default_factory=Beside)

    def position_of(self, token: int) -> int:
        """Position of a shown token; ValueError outside the text."""
        trace = self.reading.trace
        if not 0 <= token < trace.shown:
            raise ValueError(f"There is no token {token}: the text has {trace.shown:,} tokens, numbered from 0.")
        return token + trace.first

    def position_names(self) -> list[str]:
        """[position] the text of each token, the prefix token's first."""
        trace, tokens = self.reading.trace, self.reading.tokens
        prefix = [(self.model.get("prefix") or {}).get("text", "prefix token")] if trace.prefix else []
        return [*prefix, *tokens.texts[: trace.shown]]

    def inspection(self, token: int, before: bool = False) -> Inspected:
        """The inspected position of a shown token, or that before it; ValueError if it has not been inspected."""
        position = self.position_of(token) - before
        if self.inspected is None or self.inspected.position != position:
            raise ValueError(f"Token {token} has not been inspected for this view.")
        return self.inspected
