"""Filling in a blank: how likely each candidate is given the left context, and given both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscripts.metrics.likelihood import log_softmax, token_statistics


@dataclass(frozen=True)
class Ranked:
    """One candidate; log-probabilities in nats."""

    ids: list[int]
    logprob: float  # log p(candidate | left)
    right_logprob: float  # log p(right | left, candidate); 0 if nothing follows
    probability: float  # p(candidate | left), 0 ... 1
    share: float  # p(candidate | left, right) among these candidates, 0 ... 1, by Bayes' rule


def likely(logits: ArrayLike, texts: Sequence[str], count: int, space: bool | None) -> list[int]:
    """Ids of the `count` most likely next tokens under logits [vocabulary] that can be shown, most likely first.

    texts: the text of every id. space: whether a token must begin with a space (None: either). Skipped: parts of
    characters, unused ids and whitespace-only tokens.
    """
    ids: list[int] = []
    for id in np.argsort(-np.asarray(logits), kind="stable").tolist():
        if len(ids) == count:
            break
        word = texts[id]
        if word.strip() and "\ufffd" not in word and (space is None or word.startswith(" ") == space):
            ids.append(id)
    return ids


class FillIn:
    """Scores candidates between a left and a right context; both are token ids, and so is each candidate.

    left: logits [vocabulary] of the position before the blank. The model then reads `sequences()`, in batches of any
    size, and `score` takes its logits. ValueError if a candidate is empty.
    """

    def __init__(self, left: ArrayLike, candidates: Sequence[Sequence[int]], right: Sequence[int]) -> None:
        if not candidates or not all(candidates):
            raise ValueError("There is no candidate to rank. Enter at least one word, or include likely tokens.")
        self.candidates, self.right = [list(ids) for ids in candidates], list(right)
        first = log_softmax(left)  # [vocabulary]
        self._logprob = np.array([first[ids[0]] for ids in self.candidates])  # [candidate] nats
        self._right = np.zeros(len(self.candidates))  # [candidate] nats

    def sequences(self) -> list[list[int]]:
        """What the model must read after the left context for each candidate; may be empty."""
        return [(ids + self.right)[:-1] for ids in self.candidates]

    def score(self, first: int, logits: NDArray[np.float32]) -> None:
        """Takes logits [candidate, token, vocabulary] of the sequences starting at `first`, padded on the right."""
        for i, rows in enumerate(logits):
            ids = self.candidates[first + i]
            targets = (ids + self.right)[1:]
            logprob = token_statistics(rows[: len(targets)], np.array(targets, np.int64), 0, only=()).logprob
            self._logprob[first + i] += logprob[: len(ids) - 1].sum()
            self._right[first + i] = logprob[len(ids) - 1 :].sum()

    def ranking(self) -> list[Ranked]:
        """All candidates, the likeliest given both contexts first; ties in the order given."""
        both = self._logprob + self._right  # [candidate]
        share = np.exp(log_softmax(both))
        return [
            Ranked(self.candidates[i], float(self._logprob[i]), float(self._right[i]), float(np.exp(self._logprob[i])),
                   float(share[i]))
            for i in np.argsort(-both, kind="stable").tolist()
        ]
