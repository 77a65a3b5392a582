"""The models that the page has loaded."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.metrics.word_metrics import begins_word

MODELS_KEPT = 2  # while the page switches, runs of the old model may still be under way


@dataclass(frozen=True)
class Model:
    """A loaded model."""

    manifest: dict[str, Any]
    vocabulary: list[str]  # [id] text
    control: list[int]  # ids of control tokens

    @cached_property
    def begins_word(self) -> NDArray[np.bool_]:
        """[id] which tokens begin a word."""
        return begins_word(self.vocabulary, self.control)


class Models:
    """The newest models, by sha256."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}  # the newest last

    def add(self, manifest: str, vocabulary: str, control: str) -> None:
        """Takes manifest.json, the texts of all token ids, and the ids of control tokens, all as JSON."""
        model = Model(json.loads(manifest), json.loads(vocabulary), json.loads(control))
        self._models.pop(model.manifest["sha256"], None)
        self._models[model.manifest["sha256"]] = model
        for old in list(self._models)[:-MODELS_KEPT]:
            del self._models[old]

    def find(self, sha256: str) -> Model:
        """ValueError: it is no longer loaded."""
        if sha256 not in self._models:
            raise ValueError("This model is no longer loaded.")
        return self._models[sha256]
