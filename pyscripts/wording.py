"""Sentences about numbers: how certain a model was, how diffuse attention is."""

import math

CONFIDENCE = (  # lower bounds of the top token's probability
    (0.9, "almost certain"),
    (0.6, "confident"),
    (0.3, "undecided"),
    (0.1, "uncertain"),
    (0.0, "very uncertain"),
)
FOCUS = (  # upper bounds of normalised attention entropy
    (0.2, "sharply focused"),
    (0.4, "focused"),
    (0.6, "mixed"),
    (0.8, "spread out"),
    (1.0, "diffuse"),
)


def confidence(top_probability: float) -> str:
    """How certain the model was, by the probability of its top token (0 ... 1)."""
    return next(word for bound, word in CONFIDENCE if top_probability >= bound)


def choices(entropy: float) -> float:
    """exp(entropy), the perplexity of one prediction: the number of equally likely tokens with the same entropy."""
    return math.exp(entropy)


def focus(normalised_entropy: float) -> str:
    """How diffuse attention is, by its normalised entropy (0 ... 1)."""
    return next(word for bound, word in FOCUS if normalised_entropy <= bound or bound == 1.0)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ... 11th, 12th, 13th, ... 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def count_of(number: int, noun: str) -> str:
    """For example "1 token" or "1,650 tokens", as site/frame/format.js writes it."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(value: float, digits: int = 4) -> str:
    """A number with so many significant digits and a true minus sign: −0.1235, 1.235e6."""
    return f"{value:.{digits}g}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")


def share(probability: float) -> str:
    """A probability in percent, as site/frame/format.js writes it: 12.3%, 1.23%, 0.0123%, < 0.01%."""
    percent = 100 * probability
    if 0 < percent < 0.01:
        return "<\u00a00.01%"  # does not break
    if percent == 0:
        return "0%"
    return f"{percent:.1f}%" if percent >= 10 else f"{percent:#.3g}%"


def expectation(entropy: float, top_probability: float | None, rank: int, probability: float) -> str:
    """How uncertain a prediction was and where the token ranked, in two sentences; entropy in nats.
    top_probability: None if it is not known."""
    equally_likely = choices(entropy)
    number = f"{equally_likely:.1f}" if equally_likely < 100 else f"{equally_likely:,.0f}"
    certain = (f"The prediction was as uncertain as one among {number} equally likely tokens" if top_probability is None
               else f"The model was {confidence(top_probability)} (as if between {number} equally likely tokens)")
    return f"{certain}. This token ranked {ordinal(rank)}, with {share(probability)}."
