"""How each head spreads its attention: entropy with and without the sink, the sink's mass, and reach."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUERIES = 16  # queries processed together; keys that none of them can see are skipped, which saves nearly half
BLOCK = 2**18  # numbers of attention processed together, so that what is computed from them stays small


def visible(queries: int, past: int = 0, window: int | None = None) -> NDArray[np.int64]:
    """[query] how many positions each query can see: itself and all earlier ones, at most `window` (None: no limit)."""
    count = past + 1 + np.arange(queries)
    return count if window is None else np.minimum(count, window)


def visible_without_sink(queries: int, past: int = 0, window: int | None = None) -> NDArray[np.int64]:
    """[query] the same without position 0, which a sliding window may already hide."""
    position = past + np.arange(queries)
    return position if window is None else np.minimum(position, window)


@dataclass(frozen=True)
class Entropies:
    """Per head and query. The sink is position 0, where many heads put attention they do not need elsewhere
    (Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks")."""

    entropy: NDArray[np.float64]  # [head, query] nats, 0 ... ln(visible)
    without_sink: NDArray[np.float64]  # [head, query] nats, of the row without key 0, renormalised; NaN if empty
    sink: NDArray[np.float64]  # [head, query] 0 ... 1, mass on key 0


def entropies(attention: ArrayLike, past: int = 0) -> Entropies:
    """Entropies of attention [head, query, key] (one layer or all heads), float16/32/64, key = past + query.

    Query q sees at most keys 0 ... past + q; masked keys hold zeros. -sum(p ln p) counts 0 ln 0 as 0, so a row of
    zeros (a masked head) has entropy 0. NaN raises ValueError. Computed in float32, in blocks of queries.
    """
    attention = checked(attention, past)
    shape = attention.shape[:2]  # (head, query)
    sink, rest, others = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for queries, keys in _blocks(shape[1], past):
        together = max(1, BLOCK // ((queries.stop - queries.start) * keys))  # heads
        for first in range(0, shape[0], together):
            at = slice(first, first + together), queries
            block = attention[*at, :keys].astype(np.float32, copy=False)  # [head, query, key]
            work = np.maximum(block, np.finfo(np.float32).tiny)
            np.log(work, out=work)
            work *= block
            sink[at] = block[:, :, 0]
            rest[at] = block[:, :, 1:].sum(axis=2)
            others[at] = -work[:, :, 1:].sum(axis=2)  # the share of the keys after the first in -sum(p ln p)
    whole = others - sink * np.log(np.maximum(sink, np.finfo(np.float32).tiny))
    if np.isnan(whole).any():
        raise ValueError("attention contains NaN: the model's output is unusable.")
    left = rest > 0
    safe = np.where(left, rest, 1)
    return Entropies(
        entropy=np.maximum(whole, 0),
        without_sink=np.where(left, np.maximum(others / safe + np.log(safe), 0), np.nan),
        sink=sink,
    )


def mean_distance(attention: ArrayLike, past: int = 0) -> NDArray[np.float64]:
    """[head, query] mean distance in positions from a query to the keys it attends to, 0 ... past + query.

    Input as in `entropies`.
    """
    attention = checked(attention, past)
    distance = np.zeros(attention.shape[:2])
    for queries, keys in _blocks(attention.shape[1], past):
        position = np.arange(keys, dtype=np.float32)  # [key]
        back = position[past:][queries, None] - position  # [query, key]
        distance[:, queries] = (attention[:, queries, :keys].astype(np.float32, copy=False) * back).sum(axis=2)
    return distance


def normalise(entropy: ArrayLike, visible: ArrayLike) -> NDArray[np.float64]:
    """Entropies [..., query] in nats divided by ln(visible positions) [..., query], 0 ... 1; NaN where visible <= 1."""
    seen = np.asarray(visible)
    greatest = np.where(seen > 1, np.log(np.maximum(seen, 2)), np.nan)
    return np.minimum(np.asarray(entropy, np.float64) / greatest, 1)


def _blocks(queries: int, past: int) -> Iterator[tuple[slice, int]]:
    """Blocks of queries, each with the number of keys it can see."""
    for start in range(0, queries, QUERIES):
        stop = min(start + QUERIES, queries)
        yield slice(start, stop), past + stop


def checked(attention: ArrayLike, past: int) -> NDArray:
    """The array, if it is [head, query, past + query] with at least one head; otherwise ValueError."""
    array = np.asarray(attention)
    if array.ndim != 3 or not array.shape[0] or past < 0 or array.shape[2] != past + array.shape[1]:
        raise ValueError(f"attention must be [head, query, {past} past + query], not {array.shape}.")
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"attention must be floating point, not {array.dtype}.")
    return array
