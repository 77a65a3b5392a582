"""One generation step: the model's distribution, the effect of each filter, and the token drawn."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import said
from pyscripts.decoding.sampling import Distribution, Settings
from pyscripts.metrics.likelihood import TokenStatistics, entropy, top_k

NAMES = {  # the scripting interface's names of the settings
    "temperature": "temperature",
    "topK": "top_k",
    "topP": "top_p",
    "minP": "min_p",
    "repetitionPenalty": "repetition_penalty",
    "frequencyPenalty": "frequency_penalty",
}


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Sampling settings of `tokenlight.generate`'s options (`greedy`: temperature 0). ValueError: out of range."""
    values = {ours: options[theirs] for theirs, ours in NAMES.items() if options.get(theirs) is not None}
    for name, value in values.items():
        too_large = isinstance(value, int) and abs(value) > sys.float_info.max
        if isinstance(value, bool) or not isinstance(value, int | float) or too_large:
            raise ValueError(f"{name} must be a number, not {said(value)}.")
    return Settings(**{**values, "temperature": 0} if options.get("greedy") else values)


@dataclass(frozen=True)
class Candidates:
    """A distribution's most likely tokens, most likely first."""

    ids: NDArray[np.int32]  # [k]
    probabilities: NDArray[np.float64]  # [k] 0 ... 1

    def __post_init__(self) -> None:
        for array in (self.ids, self.probabilities):
            array.setflags(write=False)  # a run gives them to users' code

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], k: int) -> "Candidates":
        """The k most likely of probabilities [vocabulary]; tokens with probability 0 are left out."""
        possible = np.flatnonzero(probabilities > 0)  # often few
        best = possible[top_k(probabilities[possible], k)]
        return cls(best.astype(np.int32), probabilities[best])

    @classmethod
    def of_row(cls, row: TokenStatistics) -> "Candidates":
        """The most likely tokens of the statistics of one token; tokens with probability 0 are left out."""
        probabilities = np.exp(row.top_logprobs[0])
        possible = probabilities > 0
        return cls(row.top_ids[0][possible], probabilities[possible])


@dataclass(frozen=True)
class GenerationStep:
    """How one token was chosen."""

    id: int
    raw: Candidates  # the model's own distribution
    sampled: Candidates  # the one drawn from
    raw_probability: float  # of the token, 0 ... 1
    sampled_probability: float  # of the token, 0 ... 1
    rank: int  # of the token in the model's own distribution
    entropy: float  # nats, of the model's own distribution
    sampled_entropy: float  # nats, of the one drawn from
    filters: list[dict[str, Any]]  # name, number of kept tokens and removed mass of each filter that was applied

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, from which `from_json` makes an equal step."""
        both = {name: {"ids": each.ids.tolist(), "probabilities": each.probabilities.tolist()}
                for name, each in (("raw", self.raw), ("sampled", self.sampled))}
        return {**vars(self), **both}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "GenerationStep":
        """The step that `to_json` described."""
        both = {name: Candidates(np.array(given[name]["ids"], np.int32), np.array(given[name]["probabilities"], float))
                for name in ("raw", "sampled")}
        return cls(**{**given, **both})


def describe(drawn: Distribution, id: int, row: TokenStatistics) -> GenerationStep:
    """How token `id` was chosen; row: its statistics [1, ...] in the model's own distribution.

    The step lists as many of the most likely tokens, before and after the filters, as the row does.
    """
    raw, raw_probability, raw_entropy = Candidates.of_row(row), float(row.probability[0]), float(row.entropy[0])
    changed, sampled = bool(drawn.steps), drawn.sampled
    return GenerationStep(
        id=id,
        raw=raw,
        sampled=Candidates.of(sampled, row.top_ids.shape[1]) if changed else raw,
        raw_probability=raw_probability,
        sampled_probability=float(sampled[id]) if changed else raw_probability,
        rank=int(row.rank[0]),
        entropy=raw_entropy,
        sampled_entropy=entropy(sampled) if changed else raw_entropy,
        filters=drawn.filters(),
    )
