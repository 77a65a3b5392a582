"""Attention patterns of heads (induction, previous token ...): each head's mass on a pattern, and its chance level.

A score is the attention on a pattern's keys, averaged over the queries that see at least one. The patterns are those
of TransformerLens' head_detector.py. Its "mul" score divides by all attention, so it equals this score times the
share of queries that have the pattern; this score does not depend on how often a text repeats.

The type of a head is a property of the model. It is measured on repeated random tokens (repeated_random_ids), where
only copying helps, and stored in the manifest. The same masses on a user's text say what heads do on that text. They
stay low if little repeats; `chance` is the score of a head that attends uniformly to every visible position.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.attention import checked, visible
from pyscripts.metrics.means import known_mean

THRESHOLD = 0.4  # a head is labelled if its score is above this, as in ARENA's TransformerLens course, chapter 1.2

LABELS = {
    "induction": "Induction head: attends to the token that followed an earlier occurrence of this one.",
    "duplicate_token": "Duplicate-token head: attends to earlier occurrences of this token.",
    "previous_token": "Previous-token head: attends to the token just before.",
}  # what a head is called by its scores


@dataclass(frozen=True)
class HeadScores:
    """Masses 0 ... 1, [head, query] or, averaged over queries, [head]; NaN where no key of the pattern is visible."""

    induction: NDArray[np.float64]  # on tokens that follow an earlier copy of this one (Olsson et al. 2022)
    previous_token: NDArray[np.float64]  # on the token before; not defined for the first
    duplicate_token: NDArray[np.float64]  # on earlier copies of this token
    current_token: NDArray[np.float64]  # on the token itself; not counted for the first
    first_token: NDArray[np.float64]  # on position 0, the sink; not counted for position 0 itself


def pattern_mass(attention: ArrayLike, ids: ArrayLike, past: int = 0, window: int | None = None) -> HeadScores:
    """The mass on each pattern [head, query] of attention [head, query, past + query], for one layer or all heads.

    ids: [past + query] token ids, including the prefix token if the model read one. window: positions a query of
    these heads can see, itself included (None: all before it). The masses of successive chunks can be concatenated
    along the query axis. Mismatched shapes raise ValueError.
    """
    attention, (query, earlier, following) = checked(attention, past), _patterns(ids, past)
    if attention.shape[2] != earlier.shape[1]:
        raise ValueError(f"attention has {attention.shape[2]} keys but there are {earlier.shape[1]} token ids.")
    rows = np.arange(len(query))
    masses = HeadScores(
        induction=_mass(attention, following),
        previous_token=attention[:, rows, np.maximum(query - 1, 0)].astype(np.float64),
        duplicate_token=_mass(attention, earlier),
        current_token=attention[:, rows, query].astype(np.float64),
        first_token=attention[:, :, :1].sum(axis=2, dtype=np.float64),  # an empty chunk has no key 0
    )
    return where_known(masses, chance(ids, past, window))


def chance(ids: ArrayLike, past: int = 0, window: int | None = None) -> HeadScores:
    """[query] the mass under uniform attention to the visible positions; NaN where no key of the pattern is visible."""
    query, earlier, following = _patterns(ids, past)
    seen = visible(len(query), past, window)  # [query]
    inside = np.arange(earlier.shape[1]) > query[:, None] - seen[:, None]  # [query, key] inside the window
    later = query > 0  # position 0 is its own first and current token
    keys = {  # [query] how many of the pattern's keys are visible
        "induction": np.count_nonzero(following & inside, axis=1),
        "previous_token": later & (seen > 1),
        "duplicate_token": np.count_nonzero(earlier & inside, axis=1),
        "current_token": later,
        "first_token": later & (seen > query),
    }
    return HeadScores(**{name: np.where(count > 0, count / seen, np.nan) for name, count in keys.items()})


def where_known(masses: HeadScores, expected: HeadScores) -> HeadScores:
    """The masses [..., query], with NaN wherever `chance` [query] is NaN."""
    pairs = ((name, mass, getattr(expected, name)) for name, mass in vars(masses).items())
    return HeadScores(**{name: np.where(np.isnan(level), np.nan, mass) for name, mass, level in pairs})


def scores(mass: HeadScores) -> HeadScores:
    """Masses [..., query] averaged over the queries that have the pattern, [...]; NaN if none does."""
    return HeadScores(**{name: known_mean(values) for name, values in vars(mass).items()})


def repeated_random_ids(
    choices: ArrayLike, length: int = 50, prefix: int | None = None, seed: int = 0
) -> NDArray[np.int32]:
    """The standard diagnostic: the prefix token, if any, then `length` random tokens twice, [1 + 2 * length].

    choices: the ids to draw from. As in Olsson et al. 2022 and TransformerLens' demos. No token is drawn twice, nor is
    the prefix: each token of the second copy has one induction key, `length - 1` back, and only copying predicts it.
    """
    drawable = np.setdiff1d(np.asarray(choices), [] if prefix is None else [prefix])
    if not 0 < length <= len(drawable):
        raise ValueError(f"{length} different random tokens cannot be drawn from {len(drawable)} ids.")
    drawn = np.random.Generator(np.random.PCG64(seed)).choice(drawable, length, replace=False)
    return np.concatenate([[] if prefix is None else [prefix], drawn, drawn]).astype(np.int32)


def _patterns(ids: ArrayLike, past: int) -> tuple[NDArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Positions [query], and [query, key]: earlier copies of each query's token, and the tokens that followed them."""
    ids = np.asarray(ids)
    if ids.ndim != 1 or not 0 <= past <= len(ids):
        raise ValueError(f"token ids must be [past + query] with {past} past, not {ids.shape}.")
    query = np.arange(past, len(ids))
    earlier = (ids[query][:, None] == ids) & (np.arange(len(ids)) < query[:, None])
    following = np.zeros_like(earlier)
    following[:, 1:] = earlier[:, :-1]
    return query, earlier, following


def _mass(attention: NDArray, pattern: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[head, query] attention on the pattern's keys [query, key], summed in float32 or better."""
    if not pattern.any():
        return np.zeros(attention.shape[:2])
    dtype = np.result_type(attention.dtype, np.float32)
    return np.einsum("hqk,qk->hq", attention, pattern.astype(dtype), dtype=dtype).astype(np.float64)
