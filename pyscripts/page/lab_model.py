"""The page's model as the lab has it: what pyscripts.native's does, but awaited."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.interventions import checked
from pyscripts.metrics import lens
from pyscripts.options import KEPT, generate_options, kept, read_options, text_or_ids
from pyscripts.page.arrays import to_numpy
from pyscripts.page.lab_why import LabWhy
from pyscripts.page.models import Model
from pyscripts.page.readings import add_chunks, new_trace, windows_of
from pyscripts.result import Run
from pyscripts.run import Reading
from pyscripts.tokens import Tokens

Ask = Callable[[str, str], Awaitable[str | None]]
"""Requests a pass of the model: its kind and JSON, and an awaitable of the message of an error, or None."""


@dataclass
class Pass:
    """A position that is being read again for the logit lens."""

    states: NDArray[np.float32]  # [layer, hidden]
    logits: NDArray[np.float32] | None = None  # [layer+1, vocabulary], the model's own last


class LabModel(LabWhy):
    """The model of the page. Its runs are its own: they change neither the page's text nor its run."""

    def __init__(self, model: Model, ask: Ask) -> None:
        super().__init__()
        self.manifest, self.vocabulary = model.manifest, model.vocabulary
        self.as_loaded, self._ask = model, ask
        self._asked = 0  # requests so far
        self._kept: dict[int, tuple[str, ...]] = {}  # by run under way
        self._runs: dict[int, Run] = {}
        self._passes: dict[int, Pass] = {}

    def __repr__(self) -> str:
        return f"Model {self.manifest['name']}"

    async def read(
        self, text: str | Sequence[int], *, keep: Iterable[str] | None = None, prefix: bool = True,
        literal: bool = False, stride: int | None = None, top_k: int = 10,
        interventions: Mapping[str, Any] | None = None,
    ) -> Run:
        """Reads a text (or token ids) as far as the context goes or, with `stride`, all of it in windows.

        The arguments are those of `Model.read` without a browser: keep=() computes the likelihoods only and is fastest;
        interventions are what is changed inside the model. ValueError: there is no text, or an option is out of range.
        """
        options = read_options(
            self.manifest["context_length"], top_k=top_k, prefix=prefix, literal=literal, stride=stride)
        return await self._run("read", text, options, keep, interventions)

    async def generate(
        self, prompt: str | Sequence[int], *, keep: Iterable[str] | None = None,
        interventions: Mapping[str, Any] | None = None, **options: Any,
    ) -> Run:
        """Continues a prompt with the page's sampling; the same seed gives the same text as in the page.

        Options: max_tokens (50), temperature, top_k, top_p, min_p, repetition_penalty, frequency_penalty, seed (0),
        greedy, stop, stop_at_end, prefix, literal. ValueError: one is out of range, or the prompt leaves no room.
        """
        return await self._run("generate", prompt, generate_options(**options), keep, interventions)

    async def lens(
        self, ids: Sequence[int], states: NDArray[np.float32], target: int, top_k: int,
        interventions: Mapping[str, Any] | None = None,
    ) -> lens.Lens:
        """The logit lens at the last position of ids; states: its residual stream [layer, hidden] before each layer."""
        if not self.manifest["outputs"].get("lens_logits"):
            raise ValueError(f"{self.manifest['name']} has no logit lens.")
        number = self._number()
        self._passes[number] = Pass(np.ascontiguousarray(states, np.float32))
        try:
            await self._answer("inspect", {"runId": number, "ids": list(ids), "interventions": interventions or {}})
            rows = self._passes[number].logits
            assert rows is not None  # else there was an error
            return lens.read(rows, target, top_k)
        finally:
            del self._passes[number]

    async def _run(
        self, kind: str, text: str | Sequence[int], options: Mapping[str, Any], keep: Iterable[str] | None,
        interventions: Mapping[str, Any] | None,
    ) -> Run:
        names = kept(keep, self.manifest, options.get("stride"))
        outputs, number = self.manifest["outputs"], self._number()
        request = {
            "runId": number, "kind": kind, "options": dict(options), "given": None,
            "input": text_or_ids(text, self.manifest["vocab_size"]),
            "interventions": checked(interventions, self.manifest),
            "outputs": [outputs["logits"], *(each for name in names for each in outputs[KEPT[name]])],
        }
        self._kept[number] = names
        try:
            await self._answer("run", request)
            return self._runs[number]
        finally:
            del self._kept[number]
            self._runs.pop(number, None)

    def _number(self) -> int:
        self._asked += 1
        return self._asked

    async def _answer(self, kind: str, request: Mapping[str, Any]) -> None:
        if error := await self._ask(kind, json.dumps(request, allow_nan=False)):
            raise ValueError(error)

    # What the inference worker calls while it answers, as in session.Session.

    def begin(self, number: int, request: str) -> str:
        """Starts a run; the windows to read it in as JSON, null for one pass."""
        given = json.loads(request)
        tokens = Tokens.from_json(given["tokens"])
        trace = new_trace(self.as_loaded, tokens, given["conditions"])
        changes = json.loads(given["conditions"]["interventions"])
        reading = Reading(trace, tokens, given["options"], given["promptLength"], interventions=changes)
        self._runs[number] = Run(self, reading, self._kept[number])
        return json.dumps(windows_of(trace))

    def sample(self, number: int, logits: Any) -> int:
        """Draws the next token's id from the last row of logits."""
        return self._runs[number].reading.draw(to_numpy([logits], (1, logits.length))[0])

    def extend(self, number: int, chunks: Any, appended: str) -> None:
        """Adds ForwardChunks and the tokens drawn from them (AppendedToken as JSON)."""
        run = self._runs[number]
        add_chunks(run, run.reading.trace, chunks, appended)

    def finish(self, number: int, timings: str) -> None:
        """Records how long the parts of a run took."""
        self._runs[number].reading.timings = json.loads(timings)

    def lens_rows(self, number: int, position: int) -> NDArray[np.float32]:
        """[layer, hidden] what goes through the lens."""
        return self._passes[number].states

    def inspected(self, number: int, position: int, logits: Any, lens_logits: Any) -> None:
        """Takes the logits [vocabulary] and lens logits [layer, vocabulary] of the position."""
        size = self.manifest["vocab_size"]
        rows = to_numpy([lens_logits], (1, lens_logits.length // size, size))[0]
        self._passes[number].logits = np.concatenate([rows, to_numpy([logits], (1, size))])
