"""What all tests share: no example of hypothesis has a deadline, since machines are busy and no test asserts a time;
every Run that Python builds is checked against its JSON Schema (Runs of the page: tests/e2e/conftest.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import settings

from pyscripts import run
from tests.run_schema import check

settings.register_profile("tokenlight", deadline=None)
settings.load_profile("tokenlight")

build = run.build


def build_checked(reading: run.Reading, vocabulary: Sequence[str], model: Mapping[str, Any]) -> dict[str, Any]:
    """run.build; jsonschema.ValidationError: the Run does not fit the schema."""
    result = build(reading, vocabulary, model)
    check(result)
    return result


run.build = build_checked  # before any test imports it
