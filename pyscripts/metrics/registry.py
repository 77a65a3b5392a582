"""The one list of metrics: each is a function that registers itself; columns, CSV, --columns and the Run read it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import said
from pyscripts.json_numbers import numbers
from pyscripts.metrics.likelihood import TokenStatistics, token_statistics


@dataclass(frozen=True)
class Scored:
    """What a metric is computed from: the likelihoods of a text's tokens, and where its words are."""

    statistics: TokenStatistics  # by token
    tokens_seen: NDArray[np.int64]  # [token] how many tokens of the text the model saw before each
    words: NDArray[np.int64]  # [word, 2] the first token of each word, and the one after its last
    word_boundaries: NDArray[np.float64]  # [token + 1] nats; see words_of


@dataclass(frozen=True)
class Metric:
    """A number, or a row of numbers, of each token or word."""

    name: str
    title: str
    unit: str  # "" if it has none
    source: str  # the publication or definition it follows
    function: Callable[[Scored], NDArray]
    axes: tuple[str, ...] = ("token",)  # of the array: "token" or "word", then the axis of a row of numbers
    needs: tuple[str, ...] = ("logprob",)  # fields of TokenStatistics that must have been computed
    in_run: bool = False  # whether it is a number of each token in the Run
    least: int | None = None  # smaller values mean that there is no number

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        nothing = token_statistics(np.zeros((0, 1)), [], 0)
        empty = Scored(nothing, np.zeros(0, np.int64), np.zeros((0, 2), np.int64), np.zeros(1))
        return bool(np.issubdtype(self.values(empty).dtype, np.integer))

    def values(self, scored: Scored) -> NDArray:
        """Its values as an array. ValueError: they are not numbers, or not one, or a row, for each token or word."""
        given = self.function(scored)
        try:
            array = np.asarray(given)
        except ValueError:  # rows of several lengths
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"The metric {self.name} must return an array of numbers, not {said(given)}.")
        of = self.axes[0]
        count = len(scored.words if of == "word" else scored.tokens_seen)
        if array.ndim != len(self.axes) or len(array) != count:
            raise ValueError(f"The metric {self.name} gave an array of shape {array.shape} for {count} {of}s.")
        return array

    def cells(self, scored: Scored) -> list[Any]:
        """Its values as JSON, None where there is none."""
        values = numbers(self.values(scored))
        least = self.least
        return list(values) if least is None else [None if value < least else value for value in values]

    @property
    def heading(self) -> str:
        """Title and unit, for a table's column."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


METRICS: dict[str, Metric] = {}

TAKEN = {  # names that no metric of one's own may have: these of a record, a file or the page, and built-in metrics'
    "about", "attention_entropy", "attentions", "attn_out", "bytes", "control", "hex", "hidden_norm", "hue", "id",
    "ids", "mlp_out", "resid", "source", "spans", "text", "texts", "tokens", "top", "words",
}

MetricFunction = Callable[[Scored], NDArray]


def metric(
    title: str, unit: str, source: str, *, axes: tuple[str, ...] = ("token",), needs: tuple[str, ...] = ("logprob",),
    in_run: bool = False, least: int | None = None,
) -> Callable[[MetricFunction], MetricFunction]:
    """Registers the decorated function under its own name, in place of an earlier one of one's own. ValueError: the
    name is that of a built-in metric, or means something else."""

    def register(function: MetricFunction) -> MetricFunction:
        name = function.__name__
        if name in TAKEN:
            raise ValueError(f"Tokenlight has a {name} of its own. Give the metric another name.")
        METRICS[name] = Metric(name, title, unit, source, function, axes, needs, in_run, least)
        return function

    return register


def needed(names: Iterable[str]) -> set[str]:
    """The fields of TokenStatistics that these metrics need. ValueError: there is no such metric."""
    return {field for name in names for field in find(name).needs}


def find(name: str) -> Metric:
    """A metric by name. ValueError: there is none."""
    if not isinstance(name, str) or name not in METRICS:
        raise ValueError(f"There is no column {said(name)}. Choose from {', '.join(METRICS)}.")
    return METRICS[name]
