"""Linus Lee's colouring: red for surprising, green for expected, relative to the text."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPREAD = 2.5  # standard deviations either side of the mean
GREEN = 150.0  # degrees; 0 is red
EVEN = 75.0  # the hue of a text whose tokens are all equally likely


def limits(logprob: ArrayLike) -> tuple[float, float]:
    """mean - 2.5 std and mean + 2.5 std of log-probabilities [token], nats (population std, nulls left out).

    NaN if all are null. -inf counts as the lowest finite value, or one impossible token would flatten all others.
    """
    known = _finite(logprob)
    known = known[~np.isnan(known)]
    if not known.size:
        return float("nan"), float("nan")
    mean, std = float(known.mean()), float(known.std())
    return mean - SPREAD * std, mean + SPREAD * std


def is_even(lo: float, hi: float) -> bool:
    """Whether the limits are equal up to the rounding of the mean; also if they are NaN."""
    return not hi - lo > 1e-12 * max(1.0, abs(lo))


def hue(logprob: ArrayLike, scale: tuple[float, float] | None = None) -> NDArray[np.float64]:
    """Log-probabilities [token] (nats) to hues [token], 0 (red) ... 150 (green) degrees; NaN = null.

    hue = (clamp(logprob, lo, hi) - lo) / (hi - lo) * 150; 75 where hi = lo. scale: lo and hi; None: their `limits`.
    Source: Linus Lee's "likelihood" visualiser.
    """
    values = _finite(logprob)
    lo, hi = limits(values) if scale is None else scale
    if np.isnan(lo):
        return values
    if is_even(lo, hi):
        return np.where(np.isnan(values), np.nan, EVEN)
    return (np.clip(values, lo, hi) - lo) / (hi - lo) * GREEN


def css(hues: ArrayLike) -> list[str]:
    """Hues [token] to CSS colours, `hsl(hue 60% 85%)` for dark text; null is `transparent`."""
    values = np.asarray(hues, np.float64).tolist()  # plain floats: iterating over numpy's is slow
    return ["transparent" if math.isnan(h) else f"hsl({h:.1f} 60% 85%)" for h in values]


def _finite(logprob: ArrayLike) -> NDArray[np.float64]:
    """[token] a float64 copy with -inf raised to the lowest finite value (0 if there is none)."""
    values = np.array(logprob, np.float64)
    if values.ndim != 1:
        raise ValueError(f"log-probabilities must be [token], not {values.shape}.")
    if (values > 0).any():
        raise ValueError("log-probabilities must be natural logarithms of probabilities, so at most 0.")
    finite = values[np.isfinite(values)]
    values[np.isneginf(values)] = finite.min() if finite.size else 0.0
    return values
