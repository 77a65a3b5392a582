"""Transformer Lab's own "Model Activations" numbers, computed exactly as it does.

Source: transformerlab-api, plugins/fastchat_server/model_worker.py. Unlike the rest of this package,
top-k, min-p and penalties are ignored, temperature 0 means 1, and the logarithm is shifted by 1e-9.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.likelihood import log_softmax, top_k

PREDICTIONS = 5


@dataclass(frozen=True)
class Predictions:
    """The tokens of its bar chart: up to five, most likely first."""

    ids: NDArray[np.int32]  # [prediction]
    probability: NDArray[np.float64]  # [prediction] 0 ... 1, after temperature and top-p
    logit: NDArray[np.float64]  # [prediction] the model's own


def top_predictions(logits: ArrayLike, temperature: float = 0.7, top_p: float = 1.0) -> Predictions:
    """The five most likely next tokens of logits [vocabulary] after temperature and top-p (its defaults).

    Tokens after the one whose cumulative probability exceeds top_p are dropped. At temperature 0 or below, the filter
    changes the model's logits in place, so those of dropped tokens are -inf.
    """
    raw = np.array(logits, np.float64)  # [vocabulary]
    if raw.ndim != 1:
        raise ValueError(f"predictions need one row of logits [vocabulary], not {raw.shape}.")
    scaled = raw / temperature if temperature > 0 else raw
    if top_p < 1:
        order = np.argsort(-scaled, kind="stable")
        running = np.cumsum(np.exp(log_softmax(scaled))[order])
        scaled[order[1:][running[:-1] > top_p]] = -np.inf
    logprob = log_softmax(scaled)
    ids = top_k(logprob, PREDICTIONS)
    return Predictions(ids, np.exp(logprob[ids]), raw[ids])


def activations(states: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """L2 norm of each hidden state [token, hidden] at the last token, [layer + 1]."""
    return np.array([np.linalg.norm(np.asarray(state, np.float64)[-1]) for state in states])


def attention_entropy(attentions: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """-sum p ln(p + 1e-9) of the last query of each [head, query, key], mean over heads; NaN is 0."""
    values = []
    for attention in attentions:
        last = np.asarray(attention, np.float64)[:, -1]  # [head, key]
        values.append(-(last * np.log(last + 1e-9)).sum(axis=1).mean())
    return np.nan_to_num(np.array(values), nan=0.0)
