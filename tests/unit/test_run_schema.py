"""The JSON Schema of a Run refuses what a Run cannot be, and the suite's own check of every Run is at work."""

from copy import deepcopy
from typing import Any

import jsonschema
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from pyscripts import run
from pyscripts.decoding import generation
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.trace import Trace
from tests.run_schema import RUN, VALIDATOR, check, extremes, runs_in
from tests.unit.cut_text import tokens_of

MANIFEST = {"id": "m", "prefix": {"id": 0, "text": "<s>", "reason": "why"}}
CHANGES = {
    "heads": [{"layer": 0, "head": 1, "scale": 0.0}],
    "cut": [{"query": None, "keys": [1], "layers": [0]}, {"query": 3, "keys": [0, 2]}],
    "add": [{"layer": 1, "position": None, "vector": [1.0, -2.0, 0.5, 0.0]}],
}


def generated() -> run.Reading:
    """Two tokens read after a prefix and one drawn, with attention and hidden states, under interventions."""
    draw, ids = np.random.default_rng(4), [0, 1, 2]
    trace = Trace(ids, ModelShape(1, 2, 4, 8), prefix=True)
    reading = run.Reading(trace, tokens_of(b"on", b" the"), {"topP": 0.9}, 2, interventions=CHANGES)
    rows = draw.normal(size=(4, 8)).astype(np.float32)
    reading.draw(rows[2])
    attentions = (np.tril(np.ones((1, 2, 4, 4))) / np.arange(1, 5)[:, None]).astype(np.float32)
    states = draw.normal(size=(2, 4, 4)).astype(np.float32)
    reading.extend(Outputs(rows[:3], attentions[:, :, :3, :3], states[:, :3]), [(b" way", False)])
    trace.extend(Outputs(rows[3:], attentions[:, :, 3:], states[:, 3:]))
    return reading


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return run.build(generated(), [str(i) for i in range(8)], MANIFEST)


def test_the_schema_is_a_schema(made: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(RUN)
    VALIDATOR.validate(made)
    assert generation.GenerationStep.__dataclass_fields__.keys() <= RUN["properties"]["steps"]["items"][
        "properties"].keys()


@pytest.mark.parametrize(("path", "value"), [
    ("more", 1), ("schema", "tokenlight.run/1"), ("text", None), ("prompt_tokens", -1), ("windows", {}),
    ("tokens.1.hex", "f0 9f"), ("tokens.1.rank", 0), ("tokens.1.logprob", 1), ("tokens.1.bytes", [1]),
    ("tokens.1.control", 0), ("tokens.1.more", "text"), ("tokens.2.top.0.id", -1),
    ("interventions.head", []), ("interventions.heads", []), ("interventions.heads.0.scale", None),
    ("interventions.cut.0.query", -1), ("interventions.cut.1.keys", []), ("interventions.add.0.vector", [None]),
    ("interventions.add.0.position", 0.5), ("steps.0.filters.0.kept", 0), ("steps.0.sampled_probability", 1.1),
    ("steps.0.more", 1), ("hidden_norm.1.2", -1), ("heads_on_text.induction.mass.0.0", "0.5"),
])  # fmt: skip
def test_what_does_not_fit_is_named(made: dict[str, Any], path: str, value: Any) -> None:
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    wrong: Any = deepcopy(made)
    inner = wrong
    for part in way:
        inner = inner[part]
    inner[last] = value
    with pytest.raises(jsonschema.ValidationError) as error:
        check(wrong)
    assert str(last) in f"{error.value.json_path} {error.value.message}"


def test_a_run_that_does_not_fit_cannot_be_built_in_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SCHEMA", "tokenlight.run/3")
    with pytest.raises(jsonschema.ValidationError, match=r"tokenlight\.run/2"):
        run.build(generated(), [str(i) for i in range(8)], MANIFEST)


@pytest.mark.parametrize("wrong", [-1, -1.0, None, "a", True])
def test_a_long_list_cut_to_its_extremes_fits_as_the_whole_one_does(wrong: Any) -> None:
    validator = Draft202012Validator({"items": {"type": ["number", "null"], "minimum": 0}})
    for row in ([*range(20)], [0.5] * 20, [*range(20), wrong], [[*range(20)], [0.5, wrong, *range(20)]]):
        schema = validator if not isinstance(row[0], list) else Draft202012Validator({"items": validator.schema})
        assert schema.is_valid(extremes(row)) == schema.is_valid(row), row


def test_runs_are_found_wherever_they_are_in_an_answer(made: dict[str, Any]) -> None:
    stored = {**made, "page": {}}
    assert list(runs_in({"a": [1, [made]], "b": stored})) == [made] and list(runs_in("text")) == []
    with pytest.raises(ValueError, match="JSON"):
        check({**made, "timings": {"total": float("nan")}})
