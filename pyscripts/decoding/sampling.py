"""From a row of logits to the next token: penalties, temperature and filters, one step at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.checks import said
from pyscripts.metrics.likelihood import check_usable, softmax

MOST_SORTED = 4096
MOST_PENALTY = 1e9  # with a larger one, or a smaller part, logits could become infinite

Row = NDArray[np.float64]  # [vocabulary]


@dataclass(frozen=True)
class Settings:
    """How to sample; the defaults change nothing. Values out of range raise ValueError.

    Names and meanings as in transformers; frequency_penalty, which transformers lacks, as in the OpenAI API.
    """

    temperature: float = 1.0  # above 0, or 0 for greedy: always the most likely token
    top_k: int = 0  # keep the k most likely tokens and any tied with the k-th; 0 = off
    top_p: float = 1.0  # 0 ... 1, keep the smallest set with at least this mass; 1 = off
    min_p: float = 0.0  # 0 ... 1, keep tokens at least this fraction as likely as the likeliest; 0 = off
    repetition_penalty: float = 1.0  # around 1; divides positive, multiplies negative logits of tokens seen
    frequency_penalty: float = 0.0  # subtracted once per time the token was generated

    def __post_init__(self) -> None:
        for name, valid, needed in (
            ("temperature", 0 <= self.temperature < np.inf, "0 (greedy) or more"),
            ("top_k", self.top_k >= 0 and float(self.top_k).is_integer(), "a whole number, 0 (off) or more"),
            ("top_p", 0 <= self.top_p <= 1, "between 0 and 1"),
            ("min_p", 0 <= self.min_p <= 1, "between 0 and 1"),
            ("repetition_penalty", 1 / MOST_PENALTY <= self.repetition_penalty <= MOST_PENALTY,
             f"from {1 / MOST_PENALTY:g} to {MOST_PENALTY:g}"),
            ("frequency_penalty", abs(self.frequency_penalty) <= MOST_PENALTY,
             f"from {-MOST_PENALTY:g} to {MOST_PENALTY:g}"),
        ):
            if not valid:
                raise ValueError(f"{name} must be {needed}, not {said(getattr(self, name))}.")


@dataclass(frozen=True)
class Step:
    """The outcome of one step."""

    name: str  # the Settings field that caused it, "greedy", or "model" for what the model gave
    logits: Row  # [vocabulary] after the step; -inf: removed

    @cached_property
    def probabilities(self) -> Row:
        """[vocabulary] after the step, sums to 1; ValueError: the logits are unusable."""
        are_possible = self.logits != -np.inf
        if 2 * np.count_nonzero(are_possible) > self.logits.size:
            return softmax(self.logits)
        possible, probabilities = np.flatnonzero(are_possible), np.zeros(self.logits.size)
        probabilities[possible] = softmax(self.logits[possible])  # often hundreds of many thousands
        return probabilities


@dataclass(frozen=True)
class Distribution:
    """The distribution a token is drawn from, and the steps that led to it.

    What only describes a step is computed when asked for: the model waits for a draw, not for its description.
    """

    given: Step  # the model's own distribution
    steps: tuple[Step, ...]

    @property
    def sampled(self) -> Row:
        """[vocabulary] the one to draw from; sums to 1."""
        return (self.given, *self.steps)[-1].probabilities

    def draw(self, seed: int, step: int) -> int:
        """A token id from `sampled`, as `sample` draws it; for greedy steps the one that is left."""
        last = (self.given, *self.steps)[-1]
        return int(last.logits.argmax()) if last.name == "greedy" else sample(last.probabilities, seed, step)

    def filters(self) -> list[dict[str, Any]]:
        """What each step did: its `name`, how many tokens it `kept` (probability above 0), and its `removed_mass`
        (0 ... 1), that the tokens it removed had before it."""
        return [{"name": step.name, "kept": int(np.count_nonzero(step.probabilities > 0)),
                 "removed_mass": _removed_mass(before, step)}
                for before, step in pairwise((self.given, *self.steps))]


def distribution(
    logits: ArrayLike,
    settings: Settings,
    prompt_ids: Sequence[int] = (),
    generated_ids: Sequence[int] = (),
) -> Distribution:
    """Apply the settings to logits [vocabulary] in the order of transformers' generate().

    Repetition penalty over prompt and generated tokens (Keskar et al. 2019), frequency penalty over generated
    tokens, temperature, top-k (Fan et al. 2018), top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024).
    Ties with the k-th token all stay, as in transformers; in top-p the higher id of a tie is removed first.
    Computed in float64. Unusable logits and ids outside the vocabulary raise ValueError.
    """
    row = np.array(logits, np.float64)  # [vocabulary]
    if row.ndim != 1:
        raise ValueError(f"sampling needs one row of logits [vocabulary], not {row.shape}.")
    check_usable(row)
    last = given = Step("model", row)
    generated = _ids(generated_ids, row.size)
    seen = np.concatenate([_ids(prompt_ids, row.size), generated])
    steps = list[Step]()
    for name, change in _changes(settings, seen, generated, row.size):
        with np.errstate(over="ignore"):  # a tiny temperature sends all but the likeliest to -inf
            steps.append(last := Step(name, change(last.logits)))
    for name, keep in _filters(settings):
        steps.append(last := Step(name, np.where(keep(last), last.logits, -np.inf)))
    return Distribution(given, tuple(steps))


def _removed_mass(before: Step, after: Step) -> float:
    removed = after.logits == -np.inf  # [vocabulary]
    if not removed.any():
        return 0.0
    mass = np.where(removed, before.probabilities, 0.0).sum()  # boolean indexing takes longer
    return min(float(mass), 1.0)  # more only by rounding


def sample(probabilities: ArrayLike, seed: int, step: int) -> int:
    """Draw a token id from probabilities [vocabulary] (they need not sum to 1 exactly).

    One uniform number from numpy's PCG64 generator, seeded with the pair (seed, step), is looked up in the cumulative
    sum over ids. Each draw therefore depends only on seed, step and distribution: a text can be continued or branched
    anywhere and comes out the same. ValueError if seed or step is negative.
    """
    p = np.asarray(probabilities, np.float64)
    possible = np.flatnonzero(p > 0)  # often few
    running = np.cumsum(p.ravel()[possible])
    if p.ndim != 1 or not possible.size or not p.min() >= 0 or not 0 < running[-1] < np.inf:
        raise ValueError("sampling needs one row of probabilities [vocabulary], 0 or more, not all 0.")
    if seed < 0 or step < 0:
        raise ValueError(f"seed and step must be 0 or more, not {seed} and {step}.")
    uniform = np.random.Generator(np.random.PCG64([seed, step])).random()
    chosen = int(np.searchsorted(running, uniform * running[-1], side="right"))
    return int(possible[min(chosen, possible.size - 1)])  # rounding can lead past all of them


def _changes(
    settings: Settings, seen: NDArray[np.int64], generated: NDArray[np.int64], vocabulary: int
) -> list[tuple[str, Callable[[Row], Row]]]:
    """The penalties and the temperature that would change something, each from logits to logits."""
    s = settings
    changes: list[tuple[str, Callable[[Row], Row]]] = []
    if s.repetition_penalty != 1 and seen.size:
        changes.append(("repetition_penalty", lambda row: _penalise(row, seen, s.repetition_penalty)))
    if s.frequency_penalty and generated.size:
        counts = np.bincount(generated.astype(np.intp), minlength=vocabulary)  # [vocabulary]; intp is 32 bit in wasm
        changes.append(("frequency_penalty", lambda row: row - s.frequency_penalty * counts))
    if s.temperature not in (0, 1):
        changes.append(("temperature", lambda row: (row - row.max()) / s.temperature))
    return changes


def _filters(settings: Settings) -> list[tuple[str, Callable[[Step], NDArray[np.bool_]]]]:
    """The filters that are on, in order, each a function from the step before to the tokens it keeps."""
    s = settings
    if s.temperature == 0:
        return [("greedy", lambda last: np.arange(last.logits.size) == last.logits.argmax())]
    filters: list[tuple[str, Callable[[Step], NDArray[np.bool_]]]] = []
    if s.top_k:
        filters.append(("top_k", lambda last: last.logits >= _kth_largest(last.logits, s.top_k)))
    if s.top_p < 1:
        filters.append(("top_p", lambda last: _nucleus(last.probabilities, s.top_p)))
    if s.min_p:
        filters.append(("min_p", lambda last: last.probabilities >= s.min_p * last.probabilities.max()))
    return filters


def _penalise(row: Row, seen: NDArray[np.int64], penalty: float) -> Row:
    once, row = np.unique(seen), row.copy()
    row[once] = np.where(row[once] < 0, row[once] * penalty, row[once] / penalty)
    return row


def _kth_largest(row: Row, k: float) -> float:
    place = row.size - min(int(k), row.size)
    return float(np.partition(row, place)[place])


def _nucleus(p: Row, top_p: float) -> NDArray[np.bool_]:
    """All tokens except the least likely ones with a total mass of at most 1 - top_p; the likeliest always stays.

    Tokens below (1 - top_p) / vocabulary have less mass than that together, so only the others need sorting.
    """
    spare = 1 - top_p
    keep = p >= spare / p.size
    keep[p.argmax()] = True
    removed = np.where(keep, 0, p).sum()
    ids = np.flatnonzero(keep)[::-1]  # among them are the least likely that stay
    while ids.size > MOST_SORTED:  # of a flat distribution, which takes long to sort
        are_lower = p[ids] < p[ids].mean()
        lower = ids[np.flatnonzero(are_lower)]  # in WebAssembly faster than the mask itself
        mass = p[lower].sum()
        if removed + mass > spare:
            ids = lower
        elif mass:
            keep[lower] = False
            removed, ids = removed + mass, ids[np.flatnonzero(~are_lower)]
        else:  # equally likely
            break
    ids = ids[np.argsort(p[ids], kind="stable")]  # least likely first, higher id first
    below = np.cumsum(p[ids]) + removed <= spare
    below[-1] = False
    keep[ids[below]] = False
    return keep


def _ids(ids: Sequence[int], vocabulary: int) -> NDArray[np.int64]:
    array = np.asarray(ids, np.int64)
    if array.size and (array.min() < 0 or array.max() >= vocabulary):
        raise ValueError(f"token ids must be 0 ... {vocabulary - 1}.")
    return array
