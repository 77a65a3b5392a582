"""A trace of a Run that was saved as JSON: its likelihoods, without attention and hidden states."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.model_outputs import ModelShape
from pyscripts.strides import Window, tokens_seen
from pyscripts.trace import Trace

NO_LAYERS = ("This run was opened from a JSON file, which holds no attention or hidden states (an NPZ file does). "
             "Press Run to read the text here.")


class SavedTrace(Trace):
    """The likelihoods of a saved Run by token."""

    why_no_layers = NO_LAYERS

    def __init__(self, saved: Mapping[str, Any]) -> None:
        """saved: a Run. KeyError, TypeError or ValueError: it is not whole."""
        rows, prefix, entropy = saved["tokens"], saved["prefix"], saved["attention_entropy"]
        ids = [int(row["id"]) for row in rows]
        front = [] if prefix is None else [int(prefix["id"])]
        shape = ModelShape(len(entropy or ()), len(entropy[0]) if entropy else 0, 0, 0)
        super().__init__([*front, *ids], shape, prefix=bool(front))
        self.length = len(self.ids)
        best = [_alternatives(row) for row in rows]
        k = max([1, *map(len, best)])
        top_ids, top_logprobs = np.zeros((len(rows), k), np.int32), np.full((len(rows), k), np.nan)
        for i, alternatives in enumerate(best):
            for j, each in enumerate(alternatives):
                top_ids[i, j] = each["id"]
                top_logprobs[i, j] = -np.inf if each["logprob"] is None else each["logprob"]
        above = [_mass_above(row["rank"], len(known), np.exp(top_logprobs[i]))
                 for i, (row, known) in enumerate(zip(rows, best, strict=True))]
        ranks = np.array([row["rank"] or 0 for row in rows], np.int32)
        logprob = _column(rows, "logprob")
        logprob[(ranks > 0) & np.isnan(logprob)] = -np.inf  # a probability of 0
        self._saved = TokenStatistics(logprob, ranks, _column(rows, "entropy"), np.array(above), top_ids,
                                       top_logprobs, np.full(len(rows), np.nan))
        windows = saved["windows"]
        self.in_windows = windows is not None
        self._seen = np.arange(len(rows))
        if windows is not None:
            ranges = [Window(each["start"], each["stop"], each["scored"]) for each in windows["ranges"]]
            self._seen = tokens_seen(ranges, self.first)[: len(rows)]

    def statistics(self) -> TokenStatistics:
        return self._saved

    def new_word_after(self) -> float:
        return float("nan")

    def tokens_seen(self) -> NDArray[np.int64]:
        return self._seen


def _alternatives(row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The most likely tokens in the place of one, as far as the file says."""
    return row["top"] or ([row] if row["rank"] == 1 else [])


def _mass_above(rank: int | None, known: int, probabilities: NDArray[np.float64]) -> float:
    """Of a token of that rank; NaN unless the probabilities of all tokens above it are among the `known` first."""
    return min(float(probabilities[: rank - 1].sum()), 1.0) if rank and rank <= known + 1 else np.nan


def _column(rows: list[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """[token] NaN where there is no number."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)
