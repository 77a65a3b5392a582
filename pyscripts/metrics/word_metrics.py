"""Numbers of whole words, which may have several tokens: their surprisal as the model's tokens imply it.

A word begins at each token whose text begins with whitespace, at a control token, after one, and at the text's start.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.registry import Scored, metric

PIMENTEL = "Pimentel and Meister 2024, How to Compute the Probability of a Word"


def begins_word(vocabulary: Sequence[str], control: Iterable[int]) -> NDArray[np.bool_]:
    """[id] which tokens begin a word wherever they are: those that begin with whitespace, and control tokens."""
    mask = np.array([text[:1].isspace() for text in vocabulary], bool)
    mask[[id for id in control if 0 <= id < len(mask)]] = True
    return mask


def words_of(
    ids: Sequence[int], mask: NDArray[np.bool_], control: ArrayLike, new_word: ArrayLike, after: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The words of a text, [word, 2] first token and the one after the last, and how likely a word began at each token.

    mask: see begins_word. control: [token] which tokens are control tokens. new_word: [token] log-probability, in the
    distribution before each token, that a word begins; after: the same after the last token (nats).
    The second result is [token + 1], nats: 0 where a word is certain to begin (at the start of the text and after a
    control token), so that a word's correction is the difference of two of its values.
    """
    count, special = len(ids), np.asarray(control, bool)
    certain = np.zeros(count + 1, bool)  # a word begins here whatever the model thinks
    certain[0] = True
    certain[1:] = special
    starts = certain[:-1] | mask[np.asarray(ids, np.int64)]
    at = np.append(np.flatnonzero(starts), count)
    boundaries = np.where(certain, 0.0, np.append(np.asarray(new_word, np.float64), after))
    return np.stack([at[:-1], at[1:]], axis=1).astype(np.int64), boundaries


@metric("surprisal of the word", "nats", "the chain rule over the word's tokens", axes=("word",))
def word_surprisal(scored: Scored) -> NDArray[np.float64]:
    """The surprisals of its tokens, summed."""
    surprisal = scored.statistics.surprisal
    finite, infinite = np.isfinite(surprisal), np.isposinf(surprisal)  # of a token of probability 0
    sums = np.where(_by_word(infinite, scored) > 0, np.inf, _by_word(np.where(finite, surprisal, 0.0), scored))
    return np.where(_by_word(~finite & ~infinite, scored) > 0, np.nan, sums)


def _by_word(values: NDArray, scored: Scored) -> NDArray[np.float64]:
    """Sums over the tokens of each word; values: [token], all finite."""
    total = np.concatenate([[0.0], np.cumsum(values)])  # [token + 1]
    first, stop = scored.words.T
    return np.asarray(total[stop] - total[first], np.float64)


@metric("surprisal of the word, corrected", "nats", PIMENTEL, axes=("word",), needs=("logprob", "new_word_logprob"))
def word_surprisal_corrected(scored: Scored) -> NDArray[np.float64]:
    """-ln of the probability that this is the next word, given that a word begins.

    Where tokens begin with a space, only the next token shows that a word has ended. So the probability that a word
    begins after this one is counted for this word, and the probability that this one began for the word before.
    """
    first, stop = scored.words.T
    return word_surprisal(scored) - scored.word_boundaries[stop] + scored.word_boundaries[first]


def word_logprob(scored: Scored) -> NDArray[np.float64]:
    """[word] ln of the probability that this is the next word, corrected as above: nats, 0 or less; NaN: no number."""
    return np.minimum(-word_surprisal_corrected(scored), 0.0)  # a certain word may round to slightly above 0
