"""What the inference worker computes beside the current run, as it arrives in the analysis worker."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from pyscripts.colour.growing import GrowingColours
from pyscripts.metrics.likelihood import NO_TARGET
from pyscripts.page import views
from pyscripts.page.arrays import attention_of, to_numpy, values_of
from pyscripts.page.beside import LISTS, Beside, Lists, attributed
from pyscripts.page.models import Model
from pyscripts.page.recomputed_attention import RecomputedAttention
from pyscripts.run import Reading


@dataclass
class Current:
    """The current run: what its numbers depend on, its arrays, and what was recomputed for it."""

    id: int
    conditions: dict[str, Any]  # model (sha256), prefix (token id or None), interventions (JSON), stride (or None)
    model: Model
    reading: Reading
    updated: int = 0  # shown tokens that `update` has returned
    coloured: GrowingColours = field(default_factory=GrowingColours)  # as `update` has returned them
    inspected: views.Inspected | None = None
    recomputed: RecomputedAttention = field(default_factory=RecomputedAttention)
    beside: Beside = field(default_factory=Beside)


class BesideSession:
    """The current run, and the methods of the Session that take what is computed beside it."""

    def __init__(self) -> None:
        self._run: Current | None = None

    def attributed(self, run_id: int, request: str, outputs: Any) -> None:
        """Takes what the graph gave out for one position. request (JSON): {position, targets}. outputs: a JavaScript
        object of Float32Arrays by the names of beside.attributed."""
        current = self._current(run_id)
        shape, manifest = current.reading.trace.shape, current.model.manifest
        names = ("embedding", "rows", "constants", "logits", *LISTS)
        arrays = {name: to_numpy([part], (1, part.length))[0] for name in names if (part := getattr(outputs, name))}
        changes = current.reading.interventions
        current.beside.keep(attributed(json.loads(request), arrays, shape, manifest, changes))

    def variants_read(self, run_id: int, request: str, logits: Any) -> None:
        """Takes logits [variant, vocabulary] of variants of one position; request: see views/variants.py."""
        current = self._current(run_id)
        size = current.model.manifest["vocab_size"]
        rows = logits.length // size
        current.beside.take(json.loads(request), to_numpy([logits], (1, rows, size))[0])

    def read_untouched(self, run_id: int, logits: Any) -> None:
        """Takes the unchanged model's next logits [row, vocabulary] of the run's text."""
        current = self._current(run_id)
        size = current.model.manifest["vocab_size"]
        rows = to_numpy([logits], (1, logits.length // size, size))[0]
        current.beside.read_untouched(rows, current.reading.trace.ids)

    def read_lens(self, run_id: int, position: int, lens_logits: Any, logits: Any) -> None:
        """Takes flat Float32Arrays, the logit lens [layer, row, vocabulary] and the logits [row, vocabulary] of the
        positions from `position` on."""
        current = self._current(run_id)
        trace, manifest = current.reading.trace, current.model.manifest
        layers, size = manifest["layers"], manifest["vocab_size"]
        rows = logits.length // size
        following = [*trace.ids[position + 1 : position + 1 + rows], NO_TARGET][:rows]
        shape = (layers, rows, size)
        current.beside.read_lens(
            position - trace.first, to_numpy([lens_logits], (1, math.prod(shape)))[0].reshape(shape),
            to_numpy([logits], (1, rows, size))[0], following)

    def begin_lists(self, run_id: int, layer: int, mean: bool) -> None:
        """Announces two lists of texts, of which the mean of what enters a layer is taken."""
        self._current(run_id).beside.lists = Lists(layer, mean)

    def add_listed(self, run_id: int, side: int, states: Any) -> None:
        """Takes what enters that layer at every token of the next text of a list (0: A, 1: B), a flat Float32Array."""
        current = self._current(run_id)
        size = current.model.manifest["hidden_size"]
        if current.beside.lists is None:
            raise ValueError("No lists of texts were announced.")
        rows = to_numpy([states], (1, states.length // size, size))[0]
        current.beside.lists.add(side, rows)

    def add_head_attention(self, run_id: int, of: str, first: int, count: int, parts: Any) -> None:
        """Takes attention of `count` queries from `first` on, for the outputs of heads (beside.Beside.heads): one
        Float32Array [head, query, key] for each layer."""
        current = self._current(run_id)
        current.beside.add_attention(of, attention_of(parts, current.model.manifest, first, count), first)

    def head_values(self, run_id: int, of: str, parts: Any) -> None:
        """Takes the values of all positions after it: one Float32Array [kv_head, key, head_size] for each layer."""
        current = self._current(run_id)
        current.beside.take_values(of, values_of(parts, current.model.manifest))

    def _current(self, run_id: int) -> Current:
        if self._run is None:
            raise ValueError("There is no run yet: analyse a text first.")
        if run_id != self._run.id:
            raise ValueError("This run was replaced by a newer one.")
        return self._run
