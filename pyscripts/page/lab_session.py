"""What the lab's worker keeps in Python: the model, the page's run, and the code that is running; in the page only."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pyscripts.decoding.generation import GenerationStep
from pyscripts.lab import own_metrics
from pyscripts.lab.plot import plot
from pyscripts.lab.runner import Outcome, execute, names_in
from pyscripts.lab.shade import coloured
from pyscripts.lab.values import shown, value_csv
from pyscripts.page.lab_model import Ask, LabModel
from pyscripts.page.lab_names import described
from pyscripts.page.models import Model
from pyscripts.page.readings import new_trace
from pyscripts.result import Run
from pyscripts.run import Reading
from pyscripts.tokens import Tokens

ROWS = ("table", "heatmap", "colours")  # the kinds of values that can be saved as CSV
METRICS = "metrics"  # where an answer has them until it is taken apart
LARGE = {"hidden_states": {"resid", "lens", "reading"}, "attentions": {"attentions", "reading"}}  # and what needs them


class LabSession:
    """One lab. JavaScript keeps one of these."""

    def __init__(self) -> None:
        self._model: LabModel | None = None
        self._run: Run | None = None
        self._task: asyncio.Task[tuple[Any, dict[str, Any]]] | None = None
        self._value: Any = None  # what the last code gave, if it was shown in rows or by token

    def use_model(self, manifest: str, vocabulary: str, control: str, ask: Ask) -> LabModel:
        """Takes manifest.json, the texts of all token ids, and the ids of control tokens, all as JSON; returns what the
        inference worker calls."""
        self._run = None
        self._model = LabModel(Model(json.loads(manifest), json.loads(vocabulary), json.loads(control)), ask)
        return self._model

    def names(self) -> str:
        """What the editor completes, as JSON (lab_names.py)."""
        return json.dumps(described())

    def needs(self, source: str) -> str:
        """What of the page's run a code mentions, as JSON: null, or {hidden_states, attentions}."""
        names = names_in(source)
        if "run" not in names and ("metric" in names or own_metrics.registered()):
            return json.dumps(dict.fromkeys(LARGE, False))
        return json.dumps({large: bool(names & words) for large, words in LARGE.items()} if "run" in names else None)

    def take_run(self, about: str, arrays: Any) -> None:
        """The page's run, from Session.hand_over: its json, and its arrays as flat JavaScript arrays by name."""
        if self._model is None:
            raise ValueError("No model is loaded yet.")
        given = json.loads(about)
        tokens, conditions = Tokens.from_json(given["tokens"]), given["conditions"]
        trace = new_trace(self._model.as_loaded, tokens, conditions)
        state = {}
        for name, dtype in given["dtypes"].items():
            part = getattr(arrays, name)
            state[name] = np.empty(tuple(part.shape), dtype)
            part.data.assign_to(state[name].reshape(-1))
        trace.restore(state)
        changes = json.loads(conditions["interventions"])
        steps = {int(position): GenerationStep.from_json(step) for position, step in given["steps"].items()}
        reading = Reading(trace, tokens, given["options"], given["promptLength"], steps, changes)
        reading.timings = given["timings"]
        self._run = Run(self._model, reading, ())

    def forget_run(self) -> None:
        """The page has no run that the model could be asked about."""
        self._run = None

    async def execute(self, source: str, why_no_run: str, show: Callable[[str], object]) -> dict[str, Any]:
        """Runs code, `show` receiving what it prints: {json, arrays}, see values.shown; `kind` "error": {error, lines,
        stopped, out_of_memory}; and {metrics}, see own_metrics.described. why_no_run: what is said if the code uses a
        run that is not there."""
        if self._run is None and "run" in names_in(source):
            return _answer({"kind": "error", **vars(Outcome(error=why_no_run))})
        self._value = None
        names = {"run": self._run, "model": self._model, "np": np, "coloured": coloured, "plot": plot}
        self._task = asyncio.ensure_future(_shown(source, names, self._run, show))
        try:
            value, answer = await self._task
            self._value = value if answer["kind"] in ROWS else None
            return _answer(answer)
        except (asyncio.CancelledError, KeyboardInterrupt):
            return _answer({"kind": "error", **vars(Outcome(error="Stopped.", stopped=True))})
        finally:
            self._task = None

    def csv(self) -> str:
        """What the last code gave, as CSV (values.value_csv). ValueError: it has no rows."""
        return value_csv(self._value, self._run)

    def cancel(self) -> None:
        """Ends the code that is running, if it is waiting for the model."""
        if self._task is not None:
            self._task.cancel()


async def _shown(
    source: str, names: dict[str, Any], run: Run | None, show: Callable[[str], object]
) -> tuple[Any, dict[str, Any]]:
    """The value of the code, and what it is shown as, or its error."""
    outcome = await execute(source, names, show)
    given = outcome.value
    if outcome.error is None:  # a value's own repr, too, may fail
        value = outcome.value
        outcome = await execute("shown(value, run)", {"shown": shown, "value": value, "run": run}, show)
        outcome = replace(outcome, lines=())  # it is not the user's code that went wrong
    metrics = await execute("described(run)", {"described": own_metrics.described, "run": run}, show)
    if metrics.error is not None:  # stopped
        outcome = metrics
    if outcome.error is not None:
        value = {"kind": "error", **{name: each for name, each in vars(outcome).items() if name != "value"}}
    else:
        value = dict(outcome.value)
    return given, {**value, METRICS: metrics.value or []}


def _answer(value: dict[str, Any]) -> dict[str, Any]:
    """JSON and flat arrays apart, and the user's metrics."""
    metrics = value.pop(METRICS, [])
    arrays = {name: np.ascontiguousarray(each) for name, each in value.items() if isinstance(each, np.ndarray)}
    plain = {name: each for name, each in value.items() if name not in arrays}
    return {"json": json.dumps(plain, default=vars, allow_nan=False), "arrays": arrays,
            "metrics": json.dumps(metrics, default=vars, allow_nan=False)}
