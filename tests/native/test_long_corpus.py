"""Ten thousand short documents: memory stays flat, and kills at any moment change nothing; takes minutes."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.native.test_score import ROOT, WORDS

DOCUMENTS, FLAT, SEED = 10_000, 50, 3  # MB

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, draw = tmp_path_factory.mktemp("corpus") / "short.jsonl", random.Random(SEED)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(DOCUMENTS):
            file.write(json.dumps({"text": " ".join(draw.choices(WORDS, k=draw.randint(1, 12)))}) + "\n")
    return path


def started(folder: Path, corpus: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pyscripts", "score", "--model", str(folder), "--threads", "1", "--columns",
               "logprob,entropy,word_surprisal_corrected", "-o", str(output), str(corpus)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished_blocks(output: Path) -> int:
    state = Path(f"{output}.state")
    try:
        return int(json.loads(state.read_text())["blocks"])
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="module")
def undisturbed(tiny_models: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[float]]:
    """The output, and the resident megabytes after each block."""
    output, sizes, seen = tmp_path_factory.mktemp("whole") / "o.jsonl", list[float](), 0
    process = started(tiny_models / "tiny-gpt2", corpus, output)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        if (now := finished_blocks(output)) > seen:
            seen = now
            with contextlib.suppress(psutil.Error):  # it has just ended
                sizes.append(watched.memory_info().rss / 1e6)
        time.sleep(0.02)
    assert process.returncode == 0, process.stderr and process.stderr.read().decode()
    return output.read_bytes(), sizes


def test_memory_is_flat(undisturbed: tuple[bytes, list[float]]) -> None:
    """After the first tenth, when every size of batch has been seen."""
    written, sizes = undisturbed
    assert len(written.splitlines()) == DOCUMENTS and len(sizes) > 20
    later = sizes[len(sizes) // 10 :]
    assert max(later) - min(later) < FLAT, sizes


def test_killed_at_five_random_moments_it_ends_the_same(
    tiny_models: Path, corpus: Path, undisturbed: tuple[bytes, list[float]], tmp_path: Path
) -> None:
    output, draw = tmp_path / "o.jsonl", random.Random(SEED)
    for attempt in range(5):
        process = started(tiny_models / "tiny-gpt2", corpus, output)
        target = finished_blocks(output) + draw.randint(1, 5)
        while finished_blocks(output) < target and process.poll() is None:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))  # inside a block, or while it is written
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL and not output.exists(), attempt
    assert started(tiny_models / "tiny-gpt2", corpus, output).wait() == 0
    assert output.read_bytes() == undisturbed[0]
