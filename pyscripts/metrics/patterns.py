"""Operations on attention patterns: combine heads, hide the sink, keep the largest weights, rank, correlate.

A pattern is [query, key] by position, zeros above the diagonal, as the model gives it. What is not shown is NaN.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import said

Pattern = NDArray[np.float32]  # [query, key]


def check_combination(by: str) -> None:
    """ValueError unless `by` is 'mean' or 'max'."""
    if by not in ("mean", "max"):
        raise ValueError(f"Heads are combined by 'mean' or 'max', not {said(by)}.")


def combined(heads: Iterable[Pattern], by: str) -> Pattern:
    """The mean or the maximum of several heads, weight by weight. by: 'mean' or 'max'; ValueError otherwise."""
    check_combination(by)
    total, count = None, 0
    for head in heads:
        count += 1
        if total is None:
            total = head.astype(np.float32, copy=True)
        elif by == "mean":
            total += head
        else:
            np.maximum(total, head, out=total)
    if total is None:
        raise ValueError("Choose at least one head.")
    return total / np.float32(count) if by == "mean" else total


def visible(pattern: Pattern, *, sink: bool = True, mass: float = 1.0) -> Pattern:
    """A copy in which what is not shown is NaN: later positions, the sink (position 0) if it is hidden, and weights
    outside of the smallest set that holds the share `mass` (above 0, at most 1) of its row.

    Without the sink each row is divided by what is left of it, so that it sums to 1 again; a row that attends to
    nothing else is all NaN.
    """
    shown = np.array(pattern, np.float32)
    position = np.arange(len(shown))
    np.copyto(shown, np.nan, where=position[:, None] < position)
    if not sink:
        shown[:, 0] = np.nan
        left = np.nansum(shown, axis=1, dtype=np.float64, keepdims=True)  # [query, 1]
        shown = (shown / np.where(left > 0, left, np.nan)).astype(np.float32)
    return shown if mass == 1 else without_small(shown, mass)


def without_small(pattern: Pattern, mass: float) -> Pattern:
    """A copy in which weights are NaN outside of the smallest set that holds the share `mass` of their row; ValueError
    unless that is above 0 and at most 1."""
    if not 0 < mass <= 1:
        raise ValueError(f"The share of the mass that is shown must be above 0 and at most 1, not {mass}.")
    return np.where(largest(pattern, mass), pattern, np.float32(np.nan))


def largest(pattern: Pattern, mass: float) -> NDArray[np.bool_]:
    """[query, key] the fewest weights of each row that sum to the share `mass` of it, the largest first."""
    weights = np.nan_to_num(pattern)
    order = np.argsort(-weights, axis=1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=1)
    before = np.cumsum(ordered, axis=1, dtype=np.float64) - ordered
    kept = (before < mass * ordered.sum(axis=1, keepdims=True, dtype=np.float64)) & (ordered > 0)
    mask = np.zeros(pattern.shape, bool)
    np.put_along_axis(mask, order, kept, axis=1)
    return mask


def top(rows: Pattern, count: int) -> NDArray[np.int32]:
    """[row, count] the columns of each row's largest weights above 0, the largest first, ties by place; -1: no more."""
    weights = np.nan_to_num(rows)
    count = min(count, rows.shape[1])
    columns = np.argsort(-weights, axis=1, kind="stable")[:, :count].astype(np.int32)
    columns[np.take_along_axis(weights, columns, axis=1) <= 0] = -1
    return columns


def strongest(pattern: Pattern, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The largest weights between two different positions, the sink left out: [link, 2] (query, key), and [link]."""
    weights = np.where(np.isnan(pattern), np.float32(0), pattern)
    np.fill_diagonal(weights, 0)
    weights[:, 0] = 0
    flat, most = weights.ravel(), weights.max(axis=1, initial=0)
    # As many rows have a weight of at least `least`, so the links are among those: few, if the text is long.
    least = np.partition(most, -count)[-count] if count < most.size else 0
    best = np.flatnonzero(flat >= least if least > 0 else flat > 0)
    best = best[np.lexsort((best, -flat[best]))][:count]
    return np.stack(np.divmod(best, weights.shape[1]), axis=1).astype(np.int32), flat[best]


def correlation(
    product: NDArray[np.float64], total: NDArray[np.float64], square: NDArray[np.float64], head: tuple[int, int], n: int
) -> NDArray[np.float64]:
    """[layer, head] Pearson correlation of one head with every head over the same n values.

    product, total and square: sums of x·y, x and x² [layer, head], y being the head. NaN if one of them is constant.
    """
    covariance = product - total * total[head] / n
    spread = np.maximum(square - total**2 / n, 0)
    scale = np.sqrt(spread * spread[head])
    return np.where(scale > 1e-12 * n, np.clip(covariance / np.where(scale > 0, scale, 1), -1, 1), np.nan)
