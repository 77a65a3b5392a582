"""A saved Run opens again, also one that the version with the schema tokenlight.run/1 wrote (run_1.json)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyscripts.saved import open_run
from tests.run_schema import check

FIRST = Path(__file__).with_name("run_1.json")


def test_a_file_of_the_first_schema_opens() -> None:
    old, run = json.loads(FIRST.read_text(encoding="utf-8")), open_run(FIRST)
    check(run)
    for name in ("text", "attention_entropy", "hidden_norm", "timings", "prompt_tokens"):
        assert run[name] == old[name]
    for one, other in zip(run["tokens"], old["tokens"], strict=True):
        assert {name: one[name] for name in other} == other
    assert [bytes.fromhex(token["hex"]).decode() for token in run["tokens"]] == ["The ", " 🦩", "!"]
    assert run["options"] == {"topK": 3, "seed": 0, "prefix": True} and run["heads_on_text"] is None
    assert {name: run["summary"][name] for name in old["summary"]} == old["summary"]
    assert run["summary"]["scored_tokens"] == 3 and run["steps"][0]["id"] == old["steps"][0]["id"]


def test_a_file_of_this_schema_opens_as_it_is(tmp_path: Path) -> None:
    run = open_run(FIRST)
    (tmp_path / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert open_run(tmp_path / "run.json") == run


@pytest.mark.parametrize(("saved", "said"), [
    ("{", r"run\.json cannot be read as JSON \(Expecting"),
    ('{"a[": ' + "[" * 101 + "]" * 101 + "}", r"run\.json cannot be read as JSON \(it is nested too deeply\)\.$"),
    ('{"schema": ["' + "[" * 101 + '\\""]}', "has the schema"),
    ("[]", "is no Run: it names no schema"),
    ('{"schema": "tokenlight.run/3"}', "has the schema tokenlight"),
    ('{"schema": "tokenlight.run/1"}', r"is not a whole Run \(it has no options\)"),
    ('{"schema": "tokenlight.run/1", "options": 3}', r"is not a whole Run \(a part of it is of the wrong kind\)"),
])  # fmt: skip
def test_what_is_no_run_is_said(tmp_path: Path, saved: Any, said: str) -> None:
    (tmp_path / "run.json").write_text(saved, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        open_run(tmp_path / "run.json")
