"""The colours of a text that is still being read: of its new tokens, as long as the scale stays nearly the same."""

from typing import Any

from pyscripts.colour import whole_words
from pyscripts.colour.colourings import Colouring
from pyscripts.metrics import Scored

NEARLY = 0.01  # of the scale's width: 1.5 degrees of hue, which nobody sees


class GrowingColours:
    """What was coloured of one text, and on which scale."""

    def __init__(self) -> None:
        self._by: tuple[str, bool] | None = None  # the colouring, and whether it is of words
        self._limits: tuple[float, float] | None = None
        self._count = 0  # tokens, or words
        self.exact = True  # whether all of them have the colours of the present scale

    def new(self, colouring: Colouring, scored: Scored, *, of_words: bool, exact: bool) -> dict[str, Any]:
        """The colours that have changed since the last call: {first, light, dark, legend}, from token `first` on.

        exact: whether the scale must be the text's present one; otherwise a nearly equal earlier scale may stay.
        """
        statistics = whole_words.statistics(scored) if of_words else scored.statistics
        limits, by = colouring.limits and colouring.limits(statistics), (colouring.id, of_words)
        first = max(0, self._count - of_words)  # the last word may have become longer
        if by != self._by or not _near(limits, self._limits, 0 if exact else NEARLY):
            first, self._limits = 0, limits
        self._by, self._count, self.exact = by, len(statistics.logprob), limits == self._limits
        colours = colouring.colours(statistics, first, self._limits)
        if of_words:
            colours = whole_words.by_token(colours, scored.words[first:])
            first = int(scored.words[first, 0]) if len(scored.words) else 0
        return {"first": first, **vars(colours)}


def _near(one: tuple[float, float] | None, other: tuple[float, float] | None, share: float) -> bool:
    if one is None or other is None:
        return one is other
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= share * (other[1] - other[0])
