"""Mean ablation: a head's output, before W_O, replaced at every position by its mean over the positions of one text.

The mean is of the text as the unchanged model reads it, the prefix token's position included: zero ablation asks what
the head does, mean ablation what it does here beyond what it always does. Exact: the output at a position is attention
times value, so the mean is the mean attention on each position times that position's value. Source: Wang et al. 2022
(arXiv 2211.00593), who take the mean over a data set instead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Head = Sequence[int]  # layer, head
CLOSE = 0.01  # nats; changes that differ by less are called equal


@dataclass
class AttentionSums:
    """Attention on each position, summed over the queries of a text that arrive chunk by chunk."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 1, 0)))  # [layer, head, key]
    queries: int = 0

    def add(self, chunk: NDArray[np.float32]) -> None:
        """Takes the next queries [layer, head, query, key], key = positions up to the last of them."""
        before, self.sums = self.sums, chunk.sum(axis=2, dtype=np.float64)
        self.sums[:, :, : before.shape[2]] += before
        self.queries += chunk.shape[2]

    def finish(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """[layer, head, head_size] each head's mean output. values: [layer, kv_head, key, head_size], as the KV cache
        has them; neighbouring heads share those of one kv_head."""
        shared = self.sums.shape[1] // values.shape[1]
        mean = np.einsum("lhk,lhks->lhs", self.sums / self.queries, np.repeat(values, shared, axis=1))
        return np.asarray(mean, np.float32)


def variant(heads: Iterable[Head], means: NDArray[np.float32] | None, position: int | None) -> dict[str, Any]:
    """Heads off, or with `means` [layer, head, head_size] their mean in their place, as a variant of interventions
    (interventions.varied); a head that is named twice is off once. position: where the mean is put; None: everywhere.
    """
    off: dict[str, Any] = {"heads": [list(each) for each in dict.fromkeys((int(i), int(j)) for i, j in heads)]}
    if means is not None:
        off["add"] = [{"layer": layer, "head": head, "position": position, "vector": means[layer, head].tolist()}
                      for layer, head in off["heads"]]
    return off


def take_over(alone: float, together: float) -> bool:
    """Whether some of several heads stand in for each other (backup heads): off together, they cost more than the sum
    of what each costs `alone`. Both are changes of a log-probability, nats; negative: a cost."""
    return together < min(alone, 0) - CLOSE
