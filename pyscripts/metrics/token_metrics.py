"""The numbers of each token: how likely it was, and how certain the model was."""

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.registry import Scored, metric

SHANNON = "Shannon 1948, A Mathematical Theory of Communication"


@metric("log-probability", "nats", SHANNON, in_run=True)
def logprob(scored: Scored) -> NDArray[np.float64]:
    """ln p(token | tokens before it), 0 or less; NaN for a first token without a prefix."""
    return scored.statistics.logprob


@metric("probability", "", SHANNON)
def probability(scored: Scored) -> NDArray[np.float64]:
    """0 ... 1."""
    return scored.statistics.probability


@metric("surprisal", "nats", SHANNON)
def surprisal(scored: Scored) -> NDArray[np.float64]:
    """-ln p."""
    return scored.statistics.surprisal


@metric("rank", "", "Gehrmann et al. 2019, GLTR", needs=("rank",), in_run=True, least=1)
def rank(scored: Scored) -> NDArray[np.int32]:
    """1 = the most likely token of the vocabulary; 0 where there is no prediction."""
    return scored.statistics.rank


@metric("entropy", "nats", SHANNON, needs=("entropy",), in_run=True)
def entropy(scored: Scored) -> NDArray[np.float64]:
    """Of the distribution before the token, over the whole vocabulary."""
    return scored.statistics.entropy


@metric("probability ranked above it", "", "the sum that top-p sampling compares: Holtzman et al. 2020",
        needs=("mass_above",))
def mass_above(scored: Scored) -> NDArray[np.float64]:
    """0 ... 1, of all tokens ranked above it."""
    return scored.statistics.mass_above


@metric("surprisal minus entropy", "nats", "Shannon 1948: entropy is the expectation of surprisal",
        needs=("logprob", "entropy"))
def surprise_excess(scored: Scored) -> NDArray[np.float64]:
    """Above 0: more surprising than the model expected."""
    return scored.statistics.surprise_excess


@metric("most likely tokens", "", "token ids, most likely first", axes=("token", "place"), needs=("top_ids",))
def top_ids(scored: Scored) -> NDArray[np.int32]:
    """[token, place] ids, most likely first."""
    return scored.statistics.top_ids


@metric("probability of the most likely tokens", "", SHANNON, axes=("token", "place"), needs=("top_ids",))
def top_probabilities(scored: Scored) -> NDArray[np.float64]:
    """[token, place] 0 ... 1, in the order of top_ids."""
    return np.asarray(np.exp(scored.statistics.top_logprobs))


@metric("tokens of context", "", "strided windows: transformers, Perplexity of fixed-length models")
def tokens_seen(scored: Scored) -> NDArray[np.int64]:
    """How many tokens of the text the model saw before it; the prefix does not count."""
    return scored.tokens_seen
