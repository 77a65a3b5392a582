"""The logit lens: what each layer would predict if it were the last."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.likelihood import NO_TARGET, log_softmax, token_statistics

OVER_TEXT = ("rank", "logprob", "divergence")  # of a Lens, what over_text has


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
    return Lens(
        top_ids=statistics.top_ids,
        top_logprobs=statistics.top_logprobs,
        rank=statistics.rank,
        logprob=statistics.logprob,
        entropy=statistics.entropy,
        divergence=np.array([_divergence(final, layer) for layer in logits]),
    )


def over_text(lens_logits: NDArray[np.float32], final: NDArray[np.float32], targets: ArrayLike) -> NDArray[np.float64]:
    """[OVER_TEXT, layer, row] of several positions, NaN where the target is unknown; the last layer is the output.

    lens_logits: [layer, row, vocabulary]; final: the model's own [row, vocabulary]; targets: [row] of what followed.
    The same numbers as `read`, within 1e-4 nats: in single precision, since there are layers times rows of them.
    """
    layers, rows, vocabulary = lens_logits.shape
    known = np.asarray(targets) != NO_TARGET
    ids = np.where(known, targets, 0)
    result = np.zeros((len(OVER_TEXT), layers + 1, rows))
    for part, block in (
        (slice(layers), lens_logits.reshape(-1, vocabulary)), (slice(layers, None), final),
    ):
        statistics = token_statistics(block, np.tile(ids, len(block) // rows), 0, only=("rank",))
        result[0, part] = statistics.rank.reshape(-1, rows)
        result[1, part] = statistics.logprob.reshape(-1, rows)
    for row, id in enumerate(ids):
        last, logits = log_softmax(final[row]), lens_logits[:, row]
        weight = np.exp(last)  # [vocabulary]
        with np.errstate(invalid="ignore"):
            mean = logits @ weight.astype(np.float32)  # [layer]
            total = logits[:, id] - result[1, :layers, row]  # [layer] ln of the sum of exp(logits)
            found = np.sum(weight * np.maximum(last, np.finfo(float).min)) - mean + total
        exact = np.flatnonzero(~np.isfinite(found)).tolist()  # -inf among the logits
        found[exact] = [_divergence(last, logits[layer]) for layer in exact]
        result[2, :layers, row] = np.maximum(found, 0)
    result[:2, :, ~known] = np.nan
    return result


def _divergence(final: NDArray[np.float64], layer: ArrayLike) -> float:
    """KL(final || layer) in nats; final: log-probabilities [vocabulary], layer: logits."""
    weight = np.exp(final)
    possible = weight > 0  # elsewhere 0 ln 0 counts as 0
    return max(0.0, float(weight[possible] @ (final[possible] - log_softmax(layer)[possible])))
