"""What all tests share: no example of hypothesis has a deadline, since machines are busy and no test asserts a time;
every Run that Python builds is checked against its JSON Schema (Runs of the page: tests/e2e/conftest.py)."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from pyscripts import run
from tests.run_schema import check

settings.register_profile("tokenlight", deadline=None)
settings.load_profile("tokenlight")

build = run.build


@pytest.fixture
def generator() -> np.random.Generator:
    """Draws what a test reads; its seed is printed with a failure."""
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    return np.random.default_rng(seed)


def build_checked(reading: run.Reading, vocabulary: Sequence[str], model: Mapping[str, Any]) -> dict[str, Any]:
    """run.build; jsonschema.ValidationError: the Run does not fit the schema."""
    result = build(reading, vocabulary, model)
    check(result)
    return result


run.build = build_checked  # before any test imports it
