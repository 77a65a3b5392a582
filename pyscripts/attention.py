"""Where each head looks: entropy, reach and sink of its attention rows; CPython and Pyodide."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUERIES = 16  # queries worked on together; keys they cannot see are left out, which saves nearly half


@dataclass(frozen=True)
class AttentionStatistics:
    """Per head and query; rows are probabilities over keys 0 ... past + query."""

    entropy: NDArray[np.float64]  # [head, query] nats, 0 ... ln(visible)
    normalised_entropy: NDArray[np.float64]  # [head, query] 0 ... 1, / ln(visible); NaN if one is visible
    first_token: NDArray[np.float64]  # [head, query] 0 ... 1, mass on key 0
    mean_distance: NDArray[np.float64]  # [head, query] tokens back, 0 ... past + query

    @property
    def effective_positions(self) -> NDArray[np.float64]:
        """[head, query] 1 ... visible: exp(entropy), the perplexity of the row."""
        return np.exp(self.entropy)

    @property
    def layer_entropy(self) -> NDArray[np.float64]:
        """[query] nats, mean over heads."""
        return np.mean(self.entropy, axis=0)


def attention_statistics(attention: ArrayLike, past: int = 0) -> AttentionStatistics:
    """Statistics of attention [head, query, key], float16/32/64, key = past + query; of one layer or of all heads.

    Query q sees keys 0 ... past + q; beyond them the model writes zeros. -sum(p ln p) counts 0 ln 0 as 0, a
    row of zeros (a masked head) has entropy 0. NaN raises ValueError. Works in float32 on blocks of queries.
    """
    attention = checked(attention, past)
    entropies = entropy(attention, past)
    distance = np.zeros(attention.shape[:2])  # [head, query]
    for queries, visible in _blocks(attention.shape[1], past):
        position = np.arange(visible, dtype=np.float32)  # [key]
        back = position[past:][queries, None] - position  # [query, key]
        distance[:, queries] = (attention[:, queries, :visible].astype(np.float32, copy=False) * back).sum(axis=2)
    return AttentionStatistics(
        entropy=entropies,
        normalised_entropy=normalise(entropies, past),
        first_token=attention[:, :, :1].sum(axis=2, dtype=np.float64),  # an empty run has no key 0
        mean_distance=distance,
    )


def entropy(attention: ArrayLike, past: int = 0) -> NDArray[np.float64]:
    """[head, query] nats: the entropy of attention_statistics alone, for every head of a model at once. Same errors."""
    attention = checked(attention, past)
    found = np.zeros(attention.shape[:2])  # [head, query]
    for queries, visible in _blocks(attention.shape[1], past):
        block = attention[:, queries, :visible].astype(np.float32, copy=False)  # [head, query, key]
        work = np.maximum(block, np.finfo(np.float32).tiny)
        np.log(work, out=work)
        work *= block
        found[:, queries] = -work.sum(axis=2)
    if np.isnan(found).any():
        raise ValueError("the attention holds NaN: the model's output is unusable.")
    return np.maximum(found, 0)


def _blocks(queries: int, past: int) -> Iterator[tuple[slice, int]]:
    """Queries that are worked on together, with the number of keys they can see."""
    for start in range(0, queries, QUERIES):
        stop = min(start + QUERIES, queries)
        yield slice(start, stop), past + stop


def normalise(entropy: ArrayLike, past: int = 0) -> NDArray[np.float64]:
    """Entropies [..., query] in nats over ln(past + query + 1), 0 ... 1; NaN where one key is visible."""
    entropy = np.asarray(entropy, np.float64)
    visible = past + 1 + np.arange(entropy.shape[-1])  # [query]
    greatest = np.where(visible > 1, np.log(visible), np.nan)
    return np.minimum(entropy / greatest, 1)


def checked(attention: ArrayLike, past: int) -> NDArray:
    """The array, if it is [head, query, past + query] with at least one head; otherwise ValueError."""
    array = np.asarray(attention)
    if array.ndim != 3 or not array.shape[0] or past < 0 or array.shape[2] != past + array.shape[1]:
        raise ValueError(f"attention must be [head, query, {past} past + query], not {array.shape}.")
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"attention must be floating point, not {array.dtype}.")
    return array
