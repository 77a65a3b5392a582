"""A blank that the page fills in: which candidates the model reads, and their ranking as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.decoding.fill_in import FillIn, likely
from pyscripts.json_numbers import number
from pyscripts.page.models import Model


class Blank:
    """One blank after a left context. request: candidates and right (token ids), count (how many likely tokens to
    add), space (see likely)."""

    def __init__(self, model: Model, logits: NDArray[np.float32], request: Mapping[str, Any]) -> None:
        """logits: [vocabulary] after the left context."""
        added = likely(logits, model.vocabulary, request["count"], request["space"])
        candidates = request["candidates"] + [[id] for id in added if [id] not in request["candidates"]]
        self._model, self._fill_in = model, FillIn(logits, candidates, request["right"])

    def sequences(self) -> str:
        """What the model must read for each candidate, as JSON."""
        return json.dumps(self._fill_in.sequences())

    def shape(self, first: int, count: int) -> tuple[int, int, int]:
        """[candidate, token, vocabulary] of the logits of `count` sequences starting at `first`."""
        lengths = [len(ids) for ids in self._fill_in.sequences()[first : first + count]]
        return count, max(1, *lengths), self._model.manifest["vocab_size"]

    def score(self, first: int, logits: NDArray[np.float32]) -> None:
        """Takes those logits."""
        self._fill_in.score(first, logits)

    def ranking(self) -> str:
        """The candidates as JSON, best first, each with its text (see fill_in.Ranked)."""
        return json.dumps([
            {**asdict(ranked), "right_logprob": number(ranked.right_logprob), "logprob": number(ranked.logprob),
             "text": "".join(self._model.vocabulary[id] for id in ranked.ids)}
            for ranked in self._fill_in.ranking()
        ])
