"""The table of word classes: surprisal, entropy, and the layers that change each class most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.means import known_mean
from pyscripts.metrics.words import CLASSES

FEWEST = 10  # a class with fewer tokens gets no statement about its layers
ERRORS = 2  # standard errors by which a class must exceed the whole text


@dataclass(frozen=True)
class ClassRow:
    """Means over the tokens of one class; NaN if none of them has the number."""

    name: str  # a key of words.CLASSES
    title: str
    count: int
    mean_surprisal: float  # nats
    mean_entropy: float  # nats
    attention_entropy: NDArray[np.float64]  # [layer] nats, mean over heads
    activity: NDArray[np.float64]  # [layer] mean change of the residual stream (L2)
    relative_activity: NDArray[np.float64]  # [layer] geometric mean divided by that of the whole text; 1 is typical
    raised_layers: NDArray[np.int32] | None  # [place] layers that change it more than the text; None: too few tokens


def class_table(
    classes: Sequence[str],
    logprob: ArrayLike,
    entropy: ArrayLike,
    attention_entropy: ArrayLike,
    activity: ArrayLike,
) -> list[ClassRow]:
    """One row per class that occurs, the most frequent first, ties in the order of words.CLASSES.

    classes [token]; logprob and entropy [token], nats, NaN = null; attention_entropy [layer, token], mean over heads;
    activity [layer, token], such as residual.changes(...).norm; a layer of NaN has no numbers.

    The same few layers change every class most, so a class is compared with the whole text: `raised_layers` are those
    whose mean logarithmic change over the class exceeds that over the text by more than two standard errors, the
    largest excess first. Logarithms, because a single token (a second attention sink) can change a thousand times as
    much as the others. Different lengths and unknown classes raise ValueError.
    """
    surprisal, entropies = 0.0 - np.asarray(logprob, np.float64), np.asarray(entropy, np.float64)
    by_layer, change = np.asarray(attention_entropy, np.float64), np.asarray(activity, np.float64)
    tokens = len(classes)
    if (
        not surprisal.shape == entropies.shape == (tokens,)
        or by_layer.shape[1:] != (tokens,)
        or change.shape[1:] != (tokens,)
    ):
        raise ValueError(f"{tokens} classes need {tokens} numbers and [layer, token] arrays with {tokens} tokens.")
    unknown = set(classes) - set(CLASSES)
    if unknown:
        raise ValueError(f"unknown word classes: {sorted(unknown)}.")
    amount = np.log(change, out=np.full_like(change, np.nan), where=change > 0)  # [layer, token]
    excess = amount - known_mean(amount)[:, None]  # [layer, token] above the text, in logarithms
    rows = []
    for name, title in CLASSES.items():
        mine = np.array([each == name for each in classes], bool)  # [token]
        if not mine.any():
            continue
        mean_excess = known_mean(excess[:, mine])  # [layer]
        rows.append(
            ClassRow(
                name=name,
                title=title,
                count=int(mine.sum()),
                mean_surprisal=float(known_mean(surprisal[mine])),
                mean_entropy=float(known_mean(entropies[mine])),
                attention_entropy=known_mean(by_layer[:, mine]),
                activity=known_mean(change[:, mine]),
                relative_activity=np.exp(mean_excess),
                raised_layers=_raised(excess[:, mine]) if mine.sum() >= FEWEST else None,
            )
        )
    return sorted(rows, key=lambda row: -row.count)


def _raised(excess: NDArray[np.float64]) -> NDArray[np.int32]:
    """Layers of excess [layer, token] whose mean is clearly above 0, the largest first; others are left out."""
    mean, count = known_mean(excess), np.count_nonzero(~np.isnan(excess), axis=1)  # [layer]
    spread = np.sqrt(known_mean((excess - mean[:, None]) ** 2) * count / np.maximum(count - 1, 1))  # sample deviation
    clear = np.flatnonzero(mean > ERRORS * spread / np.sqrt(np.maximum(count, 1)))
    return clear[np.argsort(-mean[clear], kind="stable")].astype(np.int32)
