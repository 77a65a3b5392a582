"""Statistics of a whole text: perplexity, bits per byte, data for the surprisal strip and the lists of tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.likelihood import surprise_excess
from pyscripts.tokens import character_starts, checked_spans
from pyscripts.wording import count_of

WINDOW = 15  # tokens in the moving average of the strip's smooth line
LOWEST_TOP = 1.0  # nats: the least height of the axis, so that an unsurprising text does not fill the strip


@dataclass(frozen=True)
class Summary:
    """Statistics of the tokens that have a log-probability; NaN if none has one."""

    tokens: int  # tokens that were read
    total_tokens: int  # tokens of the whole text, which may be longer than the context
    scored_tokens: int  # tokens with a log-probability: without a prefix token the first has none
    mean_logprob: float  # nats per token
    std_logprob: float  # nats, population
    perplexity: float  # exp(-mean_logprob), 1 ... inf
    bits_per_byte: float  # total surprisal / bytes of the scored tokens
    bits_per_character: float  # the same per character (code point)


def summary(logprob: ArrayLike, data: bytes, spans: ArrayLike, total: int | None = None) -> Summary:
    """Summary of log-probabilities [token] (nats, NaN = null) of a text, given its tokens' bytes and spans [token, 2].

    total: tokens of the whole text, if only its beginning was read.
    A character belongs to the token that contains its first byte; an incomplete one counts too. One -inf makes the
    perplexity inf.
    Bits per byte as in the Pile paper (Gao et al. 2020), comparable across tokenizers.
    """
    values = np.asarray(logprob, np.float64)
    spans = checked_spans(data, spans)
    if values.shape != spans.shape[:1]:
        raise ValueError(f"{spans.shape[0]} tokens need {spans.shape[0]} log-probabilities, not shape {values.shape}.")
    total = len(values) if total is None else total
    if total < len(values):
        raise ValueError(f"a text of {total} tokens cannot have {len(values)} log-probabilities.")
    scored = ~np.isnan(values)
    known = values[scored]
    nan = float("nan")
    if not known.size:
        return Summary(len(values), total, 0, nan, nan, nan, nan, nan)
    starts_character = np.zeros(len(data) + 1, np.int64)  # [byte + 1]
    starts_character[character_starts(data) + 1] = 1
    characters = np.cumsum(starts_character)  # [byte + 1]
    in_bytes = int((spans[:, 1] - spans[:, 0])[scored].sum())
    in_characters = int((characters[spans[:, 1]] - characters[spans[:, 0]])[scored].sum())
    bits = float(-known.sum() / np.log(2))
    with np.errstate(over="ignore", invalid="ignore"):
        return Summary(
            tokens=len(values),
            total_tokens=total,
            scored_tokens=len(known),
            mean_logprob=float(known.mean()),
            std_logprob=float(known.std()) if np.isfinite(known).all() else nan,
            perplexity=float(np.exp(-known.mean())),
            bits_per_byte=bits / in_bytes if in_bytes else nan,
            bits_per_character=bits / in_characters if in_characters else nan,
        )


def convention(
    scored: int, read: int, total: int, prefix: Mapping[str, Any] | None, windows: tuple[int, int] | None = None
) -> str:
    """Which tokens a perplexity covers: how many were scored and read, after which prefix token, and, for strided
    windows (context, stride), how much context they had."""
    covered = count_of(total, "token") if read == total else f"the first {read:,} of {total:,} tokens"
    if windows is not None:
        context, stride = windows
        covered += (f" in windows of {context:,}, stride {stride:,}: each token saw at least "
                    f"{count_of(context - stride, 'token')} before it, or all there were")
        start = "only the first window is the start of a document"
        if prefix is not None:
            return f"Over {covered}; {start} (after {prefix['text']})."
        return f"Over {scored:,} of {covered}. No prefix token: the first token has no probability."
    if prefix is None:
        return f"Over {scored:,} of {covered}, without a prefix token: the first token has no probability."
    return f"Over {covered}, as the start of a document (after {prefix['text']})."


@dataclass(frozen=True)
class Strip:
    """What the surprisal strip plots, in nats; NaN = null."""

    surprisal_nats: NDArray[np.float64]  # [token]
    entropy_nats: NDArray[np.float64]  # [token]
    smooth_surprisal_nats: NDArray[np.float64]  # [token] mean over the tokens up to WINDOW // 2 away that have a value
    highest_nats: float  # the largest finite value, at least LOWEST_TOP; the top of the axis


def strip(logprob: ArrayLike, entropy: ArrayLike) -> Strip:
    """Log-probabilities and entropies [token] in nats to the strip's lines."""
    surprisal, expected = 0.0 - np.asarray(logprob, np.float64), np.asarray(entropy, np.float64)
    if surprisal.ndim != 1 or surprisal.shape != expected.shape:
        raise ValueError(f"strip needs two arrays [token] of equal length, not {surprisal.shape} and {expected.shape}.")
    known = np.isfinite(surprisal)
    total = np.concatenate([[0], np.cumsum(np.where(known, surprisal, 0))])  # [token + 1]
    count = np.concatenate([[0], np.cumsum(known)])  # [token + 1]
    start = np.maximum(np.arange(len(surprisal)) - WINDOW // 2, 0)
    stop = np.minimum(np.arange(len(surprisal)) + WINDOW // 2 + 1, len(surprisal))
    near = count[stop] - count[start]
    smooth = np.where(near > 0, (total[stop] - total[start]) / np.maximum(near, 1), np.nan)
    finite = np.concatenate([[LOWEST_TOP], surprisal[known], expected[np.isfinite(expected)]])
    return Strip(surprisal, expected, smooth, float(finite.max()))


def top_surprises(logprob: ArrayLike, rank: ArrayLike, count: int = 10) -> NDArray[np.int32]:
    """Indices of the `count` least likely tokens, least likely first; nulls left out, ties in text order.

    Tokens of rank 1 are left out, too: the model may have been uncertain, but what it expected most is no surprise.
    """
    values = np.asarray(logprob, np.float64)
    return _first(values, np.flatnonzero(~np.isnan(values) & (np.asarray(rank) != 1)), count)


def less_surprising_than_expected(
    logprob: ArrayLike, entropy: ArrayLike, rank: ArrayLike, count: int = 10
) -> NDArray[np.int32]:
    """Indices of the `count` tokens ranked first although the model was uncertain, the most uncertain first.

    They have the lowest surprisal minus entropy (nats), below 0. Only rank 1 counts: if the entropy is high, even a
    token of rank 30 is less surprising than expected, although the model did not expect it.
    """
    excess = surprise_excess(logprob, entropy)
    return _first(excess, np.flatnonzero((excess < 0) & (np.asarray(rank) == 1)), count)


def _first(values: NDArray[np.float64], places: NDArray[np.intp], count: int) -> NDArray[np.int32]:
    return places[np.argsort(values[places], kind="stable")[:count]].astype(np.int32)
