"""What each head gives out before the output projection W_O: attention times values, and what is added to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.interventions import inputs


@dataclass
class HeadOutputs:
    """The outputs of a text's heads, whose attention arrives chunk by chunk."""

    chunks: list[NDArray[np.float32]] = field(default_factory=list)  # [layer, head, query, key]

    def add(self, chunk: NDArray[np.float32]) -> None:
        """Takes the next queries [layer, head, query, key], key = positions up to the last of them."""
        self.chunks.append(chunk)

    def finish(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """[layer, head, position, head_size]. values: [layer, kv_head, key, head_size], as the KV cache has them."""
        return np.concatenate([outputs(chunk, values[:, :, : chunk.shape[3]]) for chunk in self.chunks], axis=2)


def outputs(attentions: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """[layer, head, query, head_size] of attention [layer, head, query, key] and values [layer, kv_head, key,
    head_size]; neighbouring heads share those of one kv_head."""
    layers, heads, queries, keys = attentions.shape
    kv_heads, size = values.shape[1], values.shape[3]
    shared = attentions.reshape(layers, kv_heads, heads // kv_heads * queries, keys)
    return np.asarray(shared @ values).reshape(layers, heads, queries, size)


def with_added(
    found: NDArray[np.float32], changes: Mapping[str, Any], manifest: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Outputs [layer, head, position, head_size] of all positions and what a run's interventions add to them."""
    length = found.shape[2]
    added = inputs(changes, manifest, np.arange(length), length).get("head_output_add")
    if added is None:
        return found
    rows = added.reshape(found.shape[0], length, found.shape[1], found.shape[3])  # [layer, position, head, head_size]
    return found + rows.transpose(0, 2, 1, 3)


def check(manifest: Mapping[str, Any]) -> None:
    """ValueError: the model does not give out what its heads give, or takes nothing in its place."""
    if not available(manifest):
        raise ValueError(f"{manifest['name']} was exported without its heads' outputs. Choose another model, or build "
                         f"it again.")


def available(manifest: Mapping[str, Any]) -> bool:
    """Whether a head's output can be replaced, and is attention times values, which the build has compared with
    PyTorch. Models built before it was have families for which it is."""
    return bool(manifest["inputs"].get("head_output_add")) and bool(manifest.get("head_outputs", True))
