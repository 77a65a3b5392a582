"""What the export tests share: tiny checkpoints, one real SmolLM2 build, a stand-in for the model hub."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.export import hub_server, tiny

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random GPT-2 with a real tokenizer, as transformers saves it."""
    return tiny.tiny(tmp_path_factory.mktemp("checkpoints") / "tiny-gpt2")


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A tiny GPT-2 the test may change."""
    return Path(shutil.copytree(checkpoint, tmp_path / "model"))


@dataclass
class Built:
    """A finished build and what it took."""

    folder: Path
    seconds: float
    peak_bytes: int
    printed: str


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The real SmolLM2 as int8, built once for all tests by the command a person runs."""
    out, start = tmp_path_factory.mktemp("models"), time.perf_counter()
    script = (
        "import resource, sys; from export import build; code = build.main(sys.argv[1:]);"
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, "smollm2", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    peak = int(done.stdout.split()[-1])
    return Built(out / "smollm2", time.perf_counter() - start, peak, done.stdout)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[hub_server.Hub]:
    """A local server that speaks as much of the hub's protocol as its client needs, with an empty cache."""
    with hub_server.serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
