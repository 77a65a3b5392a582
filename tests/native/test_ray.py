"""Scoring on a local Ray cluster: the same bytes as in processes, resumed and reported alike."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="Ray is optional; pip install 'tokenlight[ray]' runs this test")

from pyscripts.native.__main__ import main  # noqa: E402
from pyscripts.native.corpus import State, score_corpus  # noqa: E402
from pyscripts.native.documents import CorpusError  # noqa: E402
from pyscripts.native.scoring import Settings  # noqa: E402
from tests.native.test_score import written  # noqa: E402

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


def test_ray_writes_what_processes_write(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of all lengths, lone surrogates, broken records; the corpus at a relative path."""
    monkeypatch.setattr("pyscripts.native.blocks.BLOCK_DOCUMENTS", 7)
    monkeypatch.chdir(tmp_path)
    written(Path("c.jsonl"), 40)
    with Path("c.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n" + json.dumps({"text": "a lone \ud800 surrogate"}) + "\n")
    states: dict[str, State] = {}
    said: dict[str, list[str]] = {}
    for engine in ("processes", "ray"):
        said[engine] = []
        states[engine] = score_corpus(
            tiny_models / "tiny-gpt2", [Path("c.jsonl")], Path(f"{engine}.jsonl"), Settings(("logprob", "texts")),
            engine=engine, processes=2 if engine == "ray" else 1, threads=1, report=said[engine].append)
    assert Path("processes.jsonl").read_bytes() == Path("ray.jsonl").read_bytes()
    assert states["processes"] == states["ray"] and states["ray"].blocks == 6
    assert said["processes"] == said["ray"] and said["ray"][0].startswith("c.jsonl:41 was skipped: it cannot be read")


def test_a_block_that_processes_finished_is_not_scored_again(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the second block by one engine, ended by the other."""
    monkeypatch.setattr("pyscripts.native.blocks.BLOCK_DOCUMENTS", 5)
    written(tmp_path / "c.jsonl", 18)

    def score(name: str, engine: str, stop: bool = False) -> None:
        def progress(now: object) -> None:
            if stop and now.documents == 10:  # type: ignore[attr-defined]
                raise KeyboardInterrupt

        score_corpus(tiny_models / "tiny-gpt2", [tmp_path / "c.jsonl"], tmp_path / name, Settings(), engine=engine,
                     threads=1, progress=progress)

    score("whole.jsonl", "processes")
    with pytest.raises(KeyboardInterrupt):
        score("resumed.jsonl", "processes", stop=True)
    score("resumed.jsonl", "ray")
    assert (tmp_path / "resumed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_what_is_wrong_is_said_in_a_sentence(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.csv").write_text("a")
    written(tmp_path / "c.jsonl", 1)
    model = ["--model", str(tiny_models / "tiny-gpt2"), "--engine", "ray", "--threads", "1"]
    output = ["-o", str(tmp_path / "o.jsonl")]
    assert main(["score", *model, *output, str(tmp_path / "c.csv")]) == 2
    said = capsys.readouterr().err.strip()
    assert said == f"error: {tmp_path / 'c.csv'} is not a .txt, .jsonl, .parquet file. Rename or convert it."
    with pytest.raises(CorpusError, match="The cluster has 2 CPUs, too few for 3 processes of 1 threads"):
        score_corpus(tiny_models / "tiny-gpt2", [tmp_path / "c.jsonl"], tmp_path / "o.jsonl", Settings(),
                     engine="ray", processes=3, threads=1)
