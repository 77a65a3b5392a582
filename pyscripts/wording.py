"""Puts numbers into words: a model's certainty, what a perplexity is of; the numbers stay beside them."""

import math
from collections.abc import Mapping
from typing import Any

CONFIDENCE = (  # lower bounds of the likeliest token's probability
    (0.9, "almost certain"),
    (0.6, "confident"),
    (0.3, "leaning one way"),
    (0.1, "unsure"),
    (0.0, "wide open"),
)
FOCUS = (  # upper bounds of normalised attention entropy
    (0.2, "sharply focused"),
    (0.4, "focused"),
    (0.6, "mixed"),
    (0.8, "spread out"),
    (1.0, "evenly distributed"),
)


def confidence(top_probability: float) -> str:
    """How sure the model was, by the probability of its likeliest token (0 ... 1)."""
    return next(word for bound, word in CONFIDENCE if top_probability >= bound)


def choices(entropy: float) -> float:
    """exp(entropy): the number of equally likely tokens that would leave as open a choice (perplexity)."""
    return math.exp(entropy)


def focus(normalised_entropy: float) -> str:
    """How attention is spread, by its normalised entropy (0 ... 1)."""
    return next(word for bound, word in FOCUS if normalised_entropy <= bound or bound == 1.0)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ... 11th, 12th, 13th, ... 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def share(probability: float) -> str:
    """A probability in percent with about three digits."""
    percent = 100 * probability
    if percent < 0.001:
        return "less than 0.001 %"
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.3g} %"


def expectation(entropy: float, top_probability: float, rank: int, probability: float) -> str:
    """One sentence on how open a choice was and what was chosen; entropy in nats."""
    open_to = choices(entropy)
    few = f"{open_to:.1f}" if open_to < 100 else f"{open_to:,.0f}"
    place = "its first choice" if rank == 1 else f"its {ordinal(rank)} choice"
    return (
        f"The model was {confidence(top_probability)}: as open as a choice among {few} equally likely tokens. "
        f"This token was {place}, at {share(probability)}."
    )


def convention(scored: int, read: int, total: int, prefix: Mapping[str, Any] | None) -> str:
    """What a perplexity is of: which tokens were scored, how many of the text were read, after which prefix token."""
    of = f"{total:,} tokens" if read == total else f"the first {read:,} of {total:,} tokens"
    if prefix is None:
        return f"Of {scored:,} of {of}, read without a prefix token: the first token has no probability."
    return f"Of {of}, read as the start of a document, after {prefix['text']}."
