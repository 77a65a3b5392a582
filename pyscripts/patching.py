"""Activation patching: what a prediction of one text becomes if the residual stream of another, or one head's output
there, is copied into it; and the difference of two texts' residual streams as a steering vector.

A is the text that is copied from, B the one that is copied into; both are read by one model. Texts of different lengths
are aligned as the user says (alignment.py).
The metric is a target's log-probability after the whole text, or its difference to another token's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.alignment import NOWHERE, Align, check_name, origins
from pyscripts.checks import index, is_whole, whole
from pyscripts.metrics.likelihood import logprobs_of
from pyscripts.run import Reading
from pyscripts.tokens import target_ids

LONGEST = 256  # positions: a sweep grows with the square of the text, and A's hidden states are kept


@dataclass(frozen=True)
class Stream:
    """What patching needs of a reading."""

    model: str  # sha256
    ids: tuple[int, ...]  # [position] the prefix token's included
    first: int  # position of the first shown token
    interventions: Mapping[str, Any]
    residual: NDArray[np.float32]  # [layer, position, hidden] as it enters each layer
    logits: NDArray[np.float32]  # [vocabulary] after the last position
    heads: NDArray[np.float32] | None = None  # [layer, head, position, head_size] see metrics/head_outputs.py
    origin: tuple[int, ...] = ()  # [position] of an aligned text: where each comes from, or NOWHERE; else empty
    is_whole: bool = True  # whether its last position is that of the text

    def copy(self) -> "Stream":
        """With a residual stream of its own: a run's is written over by the next."""
        return replace(self, residual=self.residual.copy())

    @property
    def top(self) -> int:
        """The most likely next token."""
        return int(self.logits.argmax())


@dataclass(frozen=True)
class Place:
    """What is copied at once: what enters a layer at one position or, of a head, its outputs at some positions."""

    layer: int
    positions: tuple[int, ...]
    head: int | None = None


def stream(reading: Reading, model: str, heads: NDArray[np.float32] | None = None) -> Stream | None:
    """A whole reading's residual stream; None: it has none, or is longer than LONGEST. heads: its heads' outputs
    [layer, head, position, head_size], with what its interventions add to them."""
    trace = reading.trace
    if not trace.kept_hidden_states.complete or trace.last_logits is None or trace.length > LONGEST:
        return None
    ids, residual = tuple(trace.ids[: trace.length]), trace.hidden_states()[:-1]
    return Stream(model, ids, trace.first, reading.interventions, residual, trace.last_logits, heads)


def not_comparable(a: Stream | None, b: Stream | None) -> str | None:
    """Why the residual streams of A and B cannot be compared, and what to do about it; None: they can."""
    if a is None or b is None:
        return f"This takes two texts of at most {LONGEST} tokens, each read in one pass. Shorten the longer one."
    return None if a.model == b.model else "A was read with another model. Read it with this one, and pin it again."


def why_not(a: Stream | None, b: Stream | None) -> str | None:
    """Why A cannot be copied into B, and what to do about it; None: it can."""
    if (reason := not_comparable(a, b)) or a is None or b is None:
        return reason
    if a.first != b.first:
        return "Only one of the texts was read with a prefix token. Read both with it, or both without."
    if len(a.ids) != len(b.ids):
        return (f"A has {len(a.ids) - a.first} tokens and B {len(b.ids) - b.first}. Choose how they are aligned, or "
                f"change a text so that both have the same number of tokens.")
    if a.ids == b.ids and not a.origin and a.interventions == b.interventions:
        return "Both texts are the same. Change some of the tokens of one, and read it."
    return None


def aligned(a: Stream, b: Stream, align: Align) -> Stream:
    """A as a text of B's length, by alignment.origins: where nothing is aligned, B's own is copied, which changes
    nothing. A itself if `align` is None, or is one of ALIGNMENTS and the lengths are equal. ValueError: as there."""
    if isinstance(align, str):
        check_name(align)
    by_hand = align is not None and not isinstance(align, str)
    if align is None or (len(a.ids) == len(b.ids) and not by_hand) or a.first != b.first or a.model != b.model:
        return a
    origin = origins(a.ids, b.ids, b.first, align)
    at, known = np.array(origin), np.array(origin) != NOWHERE
    residual = np.where(known[:, None], a.residual[:, at], b.residual)
    heads = None
    if a.heads is not None and b.heads is not None:
        heads = np.where(known[:, None], a.heads[:, :, at], b.heads)
    ids = tuple(a.ids[i] if i != NOWHERE else b.ids[p] for p, i in enumerate(origin))
    return replace(
        a, ids=ids, residual=residual, heads=heads, origin=origin, is_whole=origin[-1] == len(a.ids) - 1)


def begins(a: Stream, b: Stream) -> int:
    """The first position where A's residual stream can differ from B's: nothing before it can change anything."""
    if a.interventions != b.interventions:
        return 0
    origin = a.origin or range(len(a.ids))
    pairs = enumerate(zip(a.ids, b.ids, origin, strict=True))
    return next((p for p, (one, other, place) in pairs if one != other or place != p), len(a.ids) - 1)


def targets(a: Stream, b: Stream, target: int | None, versus: int | None) -> list[int]:
    """The ids of the target and, if any, of the token it is compared with. With neither given: A's most likely next
    token and B's; with a target alone, it is compared with none. ValueError: they are the same token."""
    if target is None and versus is None and a.top != b.top:
        versus = b.top
    return target_ids(a.top if target is None else target, versus)


def copied_positions(a: Stream, b: Stream) -> list[int]:
    """Where copying can change anything, in order."""
    return [p for p in range(begins(a, b), len(b.ids)) if not a.origin or a.origin[p] != NOWHERE]


def places(a: Stream, b: Stream) -> list[Place]:
    """What must be computed for `grid`, position by position; the last layer's input counts as a layer's, the stream
    after it does not: there, A's logits follow at the last position, and nothing changes at others."""
    return [Place(layer, (position,)) for position in copied_positions(a, b) for layer in range(len(a.residual))]


def head_places(a: Stream, b: Stream, token: int | None, heads: int) -> list[Place]:
    """What must be computed for `head_grid`, head by head; none if nothing can change, and none of the last layer's if
    the last position is not among them: nothing of B looks there any more. token: of B, where the outputs are copied
    (-1: the last); None: at every token. heads: of a layer. ValueError: there is no such token."""
    count = len(b.ids) - b.first
    if token is not None:
        token = count - 1 if is_whole(token) and token == -1 else index(token, count)
    at = tuple(p for p in copied_positions(a, b) if token is None or p == b.first + token)
    layers = len(a.residual) - (len(b.ids) - 1 not in at) if at else 0
    return [Place(layer, at, head) for layer in range(layers) for head in range(heads)]


def difference(a: Stream, b: Stream, place: Place) -> NDArray[np.float32]:
    """[position, hidden or head_size] what, added to B at a place, makes it A's. Both streams have `heads` if the place
    has a head."""
    at = list(place.positions)
    if place.head is None:
        return a.residual[place.layer, at] - b.residual[place.layer, at]
    assert a.heads is not None and b.heads is not None
    return np.asarray(a.heads[place.layer, place.head, at] - b.heads[place.layer, place.head, at])


def copying(a: Stream, b: Stream, place: Place) -> list[dict[str, Any]]:
    """The interventions (`add`) that copy A into B at a place."""
    of_head = {} if place.head is None else {"head": place.head}
    return [{"layer": place.layer, **of_head, "position": position, "vector": vector}
            for position, vector in zip(place.positions, difference(a, b, place), strict=True)]


def metric(logprobs: NDArray[np.float64]) -> NDArray[np.float64]:
    """[variant] of log-probabilities [variant, 1 or 2]: the target's, or the difference."""
    return logprobs[:, 0] if logprobs.shape[1] == 1 else logprobs[:, 0] - logprobs[:, 1]


def ends(a: Stream, b: Stream, ids: Sequence[int]) -> tuple[float, float]:
    """The metric after A and after B, nats."""
    of_a, of_b = metric(logprobs_of(np.stack([a.logits, b.logits]), list(ids))).tolist()
    return of_a, of_b


def grid(a: Stream, b: Stream, ids: Sequence[int], logprobs: NDArray[np.float64]) -> NDArray[np.float64]:
    """[layer+1, position] the change of the metric, nats; the last row is the stream that enters the final norm. NaN:
    not computed yet, or not known (the last row, if A's last position is not aligned with B's); exactly 0 where nothing
    can change.

    logprobs: [place, target] under each of `places`.
    """
    of_a, of_b = ends(a, b, ids)
    layers = len(a.residual)
    values = np.zeros((layers + 1, len(b.ids)))
    values[:layers, copied_positions(a, b)] = (metric(logprobs) - of_b).reshape(-1, layers).T
    values[layers, -1] = of_a - of_b if a.is_whole else np.nan
    return values


def head_grid(
    a: Stream, b: Stream, ids: Sequence[int], logprobs: NDArray[np.float64], heads: int
) -> NDArray[np.float64]:
    """[layer, head] the change of the metric, nats. NaN: not computed yet; exactly 0 if nothing can change.

    logprobs: [place, target] under each of `head_places`. heads: of a layer.
    """
    values = np.zeros((len(a.residual), heads))
    values.ravel()[: len(logprobs)] = metric(logprobs) - ends(a, b, ids)[1]
    return values


def steering(a: Stream | None, b: Stream | None, layer: int, mean: bool) -> NDArray[np.float32]:
    """[hidden] A's residual stream minus B's, as it enters a layer: at the last position of each or, with `mean`, the
    means over their shown tokens. ValueError: there is no such layer, or they cannot be compared."""
    if (reason := not_comparable(a, b)) or a is None or b is None:
        raise ValueError(reason)
    layer = whole("layer", layer, 0, len(a.residual) - 1)
    of_a, of_b = (each.residual[layer, each.first :] for each in (a, b))  # [token, hidden]
    return at_texts_end(of_a, mean) - at_texts_end(of_b, mean)


def at_texts_end(states: NDArray[np.float32], mean: bool) -> NDArray[np.float32]:
    """[hidden] the last of a text's states [token, hidden] or, with `mean`, their mean."""
    return np.asarray(states.mean(axis=0) if mean else states[-1])


def mean_steering(
    a: Sequence[Stream | None], b: Sequence[Stream | None], layer: int, mean: bool
) -> NDArray[np.float32]:
    """[hidden] the mean over the texts of list A minus the mean over those of list B, each text as in `steering` and
    counted once; the lists may differ in length. ValueError: as there, or a list is empty."""
    if not a or not b:
        raise ValueError("Each list needs at least one text.")
    to_first = [steering(one, b[0], layer, mean) for one in a]
    return np.mean(to_first, axis=0) - np.mean([steering(one, b[0], layer, mean) for one in b], axis=0)
