"""What a pass of the model returns, and the sizes that its arrays have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import is_list, is_whole, said
from pyscripts.kept_attention import join_queries
from pyscripts.layers import Layers


@dataclass(frozen=True)
class ModelShape:
    """What a trace must know about the model, all of it from the manifest."""

    layers: int
    heads: int
    hidden_size: int
    vocab_size: int
    windows: tuple[int | None, ...] = ()  # [layer] positions a query sees, itself included; None or (): all

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "ModelShape":
        """The shape of the model that a manifest describes."""
        sizes = {name: manifest[name] for name in ("layers", "heads", "hidden_size", "vocab_size")}
        return cls(**sizes, windows=tuple(manifest.get("windows") or ()))

    def window(self, layer: int) -> int | None:
        """The layer's window; None if it sees all positions."""
        return self.windows[layer] if self.windows else None

    def check_head(self, layer: int, head: int) -> None:
        """ValueError if the model has no such head."""
        if not (is_whole(layer) and is_whole(head) and 0 <= layer < self.layers and 0 <= head < self.heads):
            raise ValueError(f"This model has no layer {said(layer)}, head {said(head)}: it has {self.layers} layers "
                             f"with {self.heads} heads each, numbered from 0.")

    def check_heads(self, heads: Any) -> None:
        """ValueError if they are not pairs (layer, head), or the model has no such head."""
        pairs: list[Any] = list(heads) if is_list(heads) else [None]
        if not all(is_list(pair) and len(pair) == 2 for pair in pairs):
            raise ValueError(f"heads is a list of pairs (layer, head), such as [(0, 1)], not {said(heads)}.")
        for layer, head in pairs:
            self.check_head(layer, head)


@dataclass(frozen=True)
class Outputs:
    """What the model returned for consecutive positions, float32; None: not requested."""

    logits: NDArray[np.float32]  # [query, vocab]
    attentions: Layers | None = None  # [layer, head, query, key], key = positions read so far
    hidden_states: NDArray[np.float32] | None = None  # [layer+1, query, hidden], the last one after the final norm
    attention_output: NDArray[np.float32] | None = None  # [layer, query, hidden] what attention added
    mlp_output: NDArray[np.float32] | None = None  # [layer, query, hidden] what the MLP added

    @classmethod
    def joined(cls, passes: "Sequence[Outputs]") -> "Outputs":
        """The outputs of passes that follow one another as those of one pass."""
        if len(passes) == 1:
            return passes[0]
        joins: dict[str, Callable[[list[NDArray[np.float32]]], NDArray[np.float32]]] = {
            "logits": np.concatenate,
            "attentions": join_queries,
            **dict.fromkeys(("hidden_states", "attention_output", "mlp_output"), partial(np.concatenate, axis=1)),
        }
        parts = {name: [getattr(each, name) for each in passes] for name in joins}
        return cls(**{name: join([part[:] for part in parts[name]]) for name, join in joins.items()
                      if parts[name][0] is not None})
