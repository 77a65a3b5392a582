"""Flat arrays between JavaScript and numpy: one copy in, C-contiguous float32 or int32 out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics import METRICS
from pyscripts.metrics.word_metrics import word_logprob
from pyscripts.run import Reading


def to_numpy(parts: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """JavaScript Float32Arrays, one per row of the result, copied once into a new array of that shape."""
    array = np.empty(shape, np.float32)
    for row, part in zip(array, parts, strict=True):
        part.assign_to(row)
    return array


class JavaScriptLayers:
    """A JavaScript Float32Array as an array [layer, ...], copied a few layers at a time (pyscripts/layers.py)."""

    def __init__(self, part: Any, shape: tuple[int, ...]) -> None:
        self._part, self.shape = part, shape

    def __getitem__(self, layers: slice) -> NDArray[np.float32]:
        first, stop, _ = layers.indices(self.shape[0])
        size = math.prod(self.shape[1:])
        return to_numpy([self._part.subarray(first * size, stop * size)], (1, stop - first, *self.shape[1:]))[0]


def attention_of(parts: Sequence[Any], manifest: Mapping[str, Any], first: int, count: int) -> NDArray[np.float32]:
    """[layer, head, query, key] attention of `count` queries from `first` on, one part for each layer."""
    return to_numpy(parts, (manifest["layers"], manifest["heads"], count, first + count))


def values_of(parts: Sequence[Any], manifest: Mapping[str, Any]) -> NDArray[np.float32]:
    """[layer, kv_head, key, head_size] the values in the KV cache, one part for each layer."""
    kv_heads, size = manifest["kv_heads"], manifest["head_size"]
    return to_numpy(parts, (manifest["layers"], kv_heads, parts[0].length // (kv_heads * size), size))


def token_columns(reading: Reading, first: int = 0) -> dict[str, NDArray]:
    """Every metric of a token (pyscripts/metrics), starting with token `first`: [token] or [token, width], float32 or
    int32, C-contiguous; nats. `tokens_seen` only for a text read in windows."""
    scored = reading.scored()
    columns = {name: each.values(scored)[first:] for name, each in METRICS.items() if each.axes[0] == "token"}
    if not reading.trace.in_windows:
        del columns["tokens_seen"]
    return {name: _for_page(column) for name, column in columns.items()}


def word_columns(reading: Reading) -> dict[str, NDArray]:
    """The words of the tokens read so far: `words` [word, 2] first token and the one after the last, `probability`
    [word] corrected, and every metric of a word, [word] nats; float32 or int32."""
    scored = reading.scored()
    metrics = {name: each.values(scored) for name, each in METRICS.items() if each.axes == ("word",)}
    return {name: _for_page(column) for name, column in
            {"words": scored.words, "probability": np.exp(word_logprob(scored)), **metrics}.items()}


def _for_page(column: NDArray) -> NDArray:
    return np.ascontiguousarray(column, np.int32 if np.issubdtype(column.dtype, np.integer) else np.float32)
