"""Repeated passages, and how much less surprising their later copies are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.means import known_mean

SHORTEST = 3  # tokens; shorter repeats are mostly common phrases


@dataclass(frozen=True)
class Copy:
    """Tokens start ... start + length - 1 repeat tokens source ... source + length - 1."""

    start: int
    source: int
    length: int


@dataclass(frozen=True)
class SecondCopyCurve:
    """Mean surprisal by place in the passage; NaN if no token there has one."""

    first: NDArray[np.float64]  # [place] nats, at the first occurrences
    later: NDArray[np.float64]  # [place] nats, at the copies
    count: NDArray[np.int32]  # [place] number of copies that are long enough


def copies(ids: ArrayLike, shortest: int = SHORTEST) -> list[Copy]:
    """Passages of token ids [token] that repeat earlier ones, in order, without overlap, each as long as possible.

    Greedy from the left: the longest repeat at a token, if at least `shortest` long, is taken and skipped. Its source
    ends before it starts; among equally long sources the earliest is chosen. Quadratic time, linear memory.
    """
    ids = np.asarray(ids)
    if ids.ndim != 1 or shortest < 1:
        raise ValueError(f"copies needs ids [token] and shortest >= 1, not shape {ids.shape} and {shortest}.")
    return list(_copies(tuple(ids.tolist()), shortest))


@lru_cache(maxsize=2)  # several views ask about the same text, again for every token that is pointed at
def _copies(text: tuple[int, ...], shortest: int) -> tuple[Copy, ...]:
    ids, tokens = np.array(text), len(text)
    length, source = np.zeros(tokens, int), np.zeros(tokens, int)  # [token] the best repeat that starts here
    run = np.zeros(tokens + 1, int)  # [earlier token] length of the match that starts there and at token t
    for t in range(tokens - 1, 0, -1):
        run[:-1] = np.where(ids == ids[t], run[1:] + 1, 0)
        usable = np.minimum(run[:t], t - np.arange(t))
        source[t] = usable.argmax()
        length[t] = usable[source[t]]
    result, t = [], 0
    while t < tokens:
        if length[t] >= shortest:
            result.append(Copy(t, int(source[t]), int(length[t])))
            t += int(length[t])
        else:
            t += 1
    return tuple(result)


def second_copy_curve(surprisal: ArrayLike, ids: ArrayLike, shortest: int = SHORTEST) -> SecondCopyCurve:
    """Mean surprisal [token] (nats, NaN = null) at the first and later occurrences of repeated passages, by place.

    Place 0 is a passage's first token. A first occurrence counts once, however often it is copied. With induction heads
    a model predicts later copies far better from the second place on (Elhage et al. 2021, Olsson et al. 2022).
    """
    values = np.asarray(surprisal, np.float64)
    if values.shape != np.shape(ids):
        raise ValueError(
            f"{np.size(ids)} token ids need {np.size(ids)} surprisals, not shape {values.shape}."
        )
    repeated = copies(ids, shortest)
    longest = max((copy.length for copy in repeated), default=0)
    first, later, count = np.full(longest, np.nan), np.full(longest, np.nan), np.zeros(longest, np.int32)
    for place in range(longest):
        long_enough = [copy for copy in repeated if copy.length > place]
        first[place] = known_mean(values[sorted({copy.source + place for copy in long_enough})])
        later[place] = known_mean(values[[copy.start + place for copy in long_enough]])
        count[place] = len(long_enough)
    return SecondCopyCurve(first, later, count)
