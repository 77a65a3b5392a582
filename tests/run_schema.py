"""Checks a Run against pyscripts/run.schema.json with jsonschema, as tests/conftest.py does with every Run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

RUN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "pyscripts" / "run.schema.json").read_text())
VALIDATOR = Draft202012Validator(RUN)
FEW = 8  # lists that the schema gives a length are shorter


def check(run: Any) -> None:
    """jsonschema.ValidationError: it does not fit the schema; ValueError: it is not JSON (NaN, infinite)."""
    json.dumps(run, allow_nan=False)
    VALIDATOR.validate(extremes(run))


def extremes(value: Any) -> Any:
    """The value with every long list of numbers cut to its least and greatest of each type, and a null if it has one.

    The schema asks of such a number only its type and range, so the cut list fits if and only if the whole one does.
    """
    if isinstance(value, dict):
        return {name: extremes(each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    kinds = {type(each) for each in value}
    if len(value) <= FEW or not kinds <= {int, float, type(None)}:
        return [extremes(each) for each in value]
    ends = [end([each for each in value if type(each) is kind]) for kind in kinds & {int, float} for end in (min, max)]
    return [*ends, *([None] if None in value else [])]


def runs_in(value: Any) -> Iterator[dict[str, Any]]:
    """The Runs in a JSON value. What the site stores of an example has more, under `page`, and is no Run."""
    if isinstance(value, dict) and "page" not in value and str(value.get("schema")).startswith("tokenlight.run/"):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            if isinstance(each, dict | list):
                yield from runs_in(each)
