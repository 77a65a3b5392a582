"""The logit lens: what each layer would predict if it were the last."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.likelihood import NO_TARGET, log_softmax, token_statistics


@dataclass(frozen=True)
class Lens:
    """The prediction of each layer at one position (embeddings first, the model's own output last)."""

    top_ids: NDArray[np.int32]  # [layer, k] most likely first
    top_logprobs: NDArray[np.float64]  # [layer, k] nats
    rank: NDArray[np.int32]  # [layer] of the actual next token, 1 = most likely; 0 if it is unknown
    logprob: NDArray[np.float64]  # [layer] nats, of the actual next token; NaN if it is unknown
    entropy: NDArray[np.float64]  # [layer] nats
    divergence: NDArray[np.float64]  # [layer] nats, KL(final || layer), 0 or more, maybe inf


def read(lens_logits: ArrayLike, target: int = NO_TARGET, top_k: int = 10) -> Lens:
    """Statistics of lens logits [layer, vocabulary] of one position, the last row being the model's own output.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens"; the divergence as in Belrose et al. 2023.
    Unusable logits and a target outside the vocabulary raise ValueError.
    """
    logits = np.asarray(lens_logits)
    if logits.ndim != 2 or not len(logits):
        raise ValueError(
            f"lens logits must be [layer, vocabulary] with at least one layer, not {logits.shape}."
        )
    statistics = token_statistics(logits, np.full(len(logits), target), top_k)
    final = log_softmax(logits[-1])  # [vocabulary]
    weight = np.exp(final)
    possible = weight > 0  # elsewhere 0 ln 0 counts as 0
    divergence = [
        float(weight[possible] @ (final[possible] - log_softmax(layer)[possible])) for layer in logits
    ]
    return Lens(
        top_ids=statistics.top_ids,
        top_logprobs=statistics.top_logprobs,
        rank=statistics.rank,
        logprob=statistics.logprob,
        entropy=statistics.entropy,
        divergence=np.maximum(divergence, 0),
    )
