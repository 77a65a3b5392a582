"""What the tests of pyscripts/native share: the tiny models of the browser tests, exported in fp32."""

from pathlib import Path

import pytest

from pyscripts.native import Model, load
from tests.e2e.conftest import (  # noqa: F401 (fixtures)
    browser_context_args,
    browser_type_launch_args,
    checkpoints,
    monkeypatch_session,
    runs_of_pages,
    tiny_models,
    tiny_site,
)


@pytest.fixture(scope="session", params=["tiny-gpt2", "tiny-llama"])
def model_folder(request: pytest.FixtureRequest, tiny_models: Path) -> Path:  # noqa: F811
    return tiny_models / request.param


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Model:
    return load(model_folder, threads=1)
