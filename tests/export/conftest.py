"""What the export tests share: tiny checkpoints, the real SmolLM2, a stand-in for the model hub."""

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from export.site.serve import SITE
from tests.export import checked_once, hub_server, tiny
from tests.export.models import Exported, export, random_model


@pytest.fixture(scope="session", autouse=True)
def tokenizers_checked_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        checked_once.patch(patch)
        yield


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random GPT-2 with a real tokenizer, as transformers saves it."""
    return tiny.tiny(tmp_path_factory.mktemp("checkpoints") / "tiny-gpt2")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """One export of each architecture, made when the first test asks for it."""

    @functools.cache
    def of(architecture: str) -> Exported:
        model = random_model(architecture)
        return Exported(model, export(model, tmp_path_factory.mktemp(architecture)))

    return of


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A tiny GPT-2 the test may change."""
    return Path(shutil.copytree(checkpoint, tmp_path / "model"))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The real SmolLM2 as int8, as `make` built it."""
    folder = SITE / "models/smollm2"
    assert (folder / "manifest.json").exists(), "run: python export/build.py smollm2"
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[hub_server.Hub]:
    """A local server that speaks as much of the hub's protocol as its client needs, with an empty cache."""
    with hub_server.serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
