"""Scoring corpora: against reading each text alone, killed and resumed, in several processes, with broken records."""

import json
import math
import random
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts.metrics import METRICS as registered
from pyscripts.metrics import Scored, metric
from pyscripts.native import Model, blocks
from pyscripts.native.__main__ import describe, main
from pyscripts.native.corpus import Progress, State, score_corpus
from pyscripts.native.scoring import Settings

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "the quick brown fox jumps over lazy dogs — and a model reads naïve 🦩 text, def f(x): return 12"
WORDS = SENTENCE.split()
METRICS = ("logprob", "rank", "entropy", "word_surprisal", "word_surprisal_corrected")


def written(path: Path, count: int, seed: int = 0) -> list[str]:
    """A corpus of texts of very different lengths as JSON lines."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.choice((1, 3, 10, 40, 150)))) for _ in range(count)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return texts


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("prefix", [True, False])
def test_batches_and_windows_give_what_each_text_alone_gives(
    model: Model, model_folder: Path, tmp_path: Path, prefix: bool
) -> None:
    texts = written(tmp_path / "c.jsonl", 24)
    settings = Settings((*METRICS, "tokens_seen", "ids", "texts", "bytes"), stride=100, prefix=prefix)
    state = score_corpus(model_folder, [tmp_path / "c.jsonl"], tmp_path / "o.jsonl", settings, threads=1)
    found = records(tmp_path / "o.jsonl")
    assert [each["source"] for each in found] == [f"{tmp_path / 'c.jsonl'}:{i + 1}" for i in range(24)]
    assert max(each["tokens"] for each in found) > model.manifest["context_length"]  # several windows
    total, tokens, size = 0.0, 0, 0
    for text, each in zip(texts, found, strict=True):
        run = model.read(text, stride=100, keep=(), prefix=prefix)
        assert each["ids"] == run.ids.tolist() and each["texts"] == run.texts and each["bytes"] == run.spans.tolist()
        assert each["words"] == run.words.tolist()
        assert each["tokens_seen"] == run.reading.trace.tokens_seen().tolist()
        for name in METRICS:
            expected = np.where(run.metric(name) == 0, np.nan, run.metric(name)) if name == "rank" else run.metric(name)
            assert_allclose(np.array(each[name], float), expected, atol=1e-4, err_msg=name)
        known = ~np.isnan(run.logprob)
        total, tokens = total - run.logprob[known].sum(), tokens + int(known.sum())
        size += int(np.diff(run.spans)[known].sum())
    assert (state.sums.documents, state.sums.scored, state.sums.bytes) == (24, tokens, size)
    assert state.sums.surprisal == pytest.approx(total, rel=1e-6)
    assert sum(count for count, _ in state.sums.classes.values()) == tokens


def test_a_new_metric_is_a_column(tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of --columns, of Parquet, of the list of columns and of the help, which name it without another line of code."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is optional; make installs pyarrow for the tests")
    try:

        @metric("half the log-probability", "nats", "this test")
        def half(scored: Scored) -> np.ndarray:
            return scored.statistics.logprob / 2

        written(tmp_path / "c.jsonl", 2)
        arguments = ["score", "--model", str(tiny_models / "tiny-gpt2"), "--threads", "1", "--columns", "logprob,half"]
        for name in ("o.jsonl", "o.parquet"):
            assert main([*arguments, "-o", str(tmp_path / name), str(tmp_path / "c.jsonl")]) == 0
        found = records(tmp_path / "o.jsonl")
        assert parquet.read_table(tmp_path / "o.parquet").to_pylist() == found
        for each in found:
            assert_allclose(each["half"], np.array(each["logprob"]) / 2)
        assert main(["columns"]) == 0
        with pytest.raises(SystemExit):
            main(["score", "--help"])
        said = capsys.readouterr().out
        assert "half the log-probability (nats), by token. this test." in said and "half" in said.split("usage:")[1]
    finally:
        registered.pop("half", None)


def command(folder: Path, source: Path, output: Path, killed_at: int) -> int:
    arguments = ["score", "--model", str(folder), "--threads", "1", "--columns", "logprob,entropy", "-o", str(output)]
    run = [sys.executable, "-m", "tests.native.killed", str(killed_at), *arguments, str(source)]
    return subprocess.run(run, cwd=ROOT, capture_output=True, timeout=240).returncode


def test_killed_five_times_it_ends_as_if_undisturbed(tiny_models: Path, tmp_path: Path) -> None:
    """At any sync or rename; and a kill while a block is written leaves half of it."""
    source, draw = tmp_path / "c.jsonl", random.Random(5)
    written(source, 60)
    assert command(tiny_models / "tiny-gpt2", source, tmp_path / "undisturbed.jsonl", 0) == 0
    output = tmp_path / "o.jsonl"
    for attempt in range(5):
        assert command(tiny_models / "tiny-gpt2", source, output, draw.randint(1, 5)) == -signal.SIGKILL, attempt
        assert not output.exists()
        with Path(f"{output}.partial").open("ab") as file:
            file.write(b'{"source": "half a rec')
    assert command(tiny_models / "tiny-gpt2", source, output, 0) == 0
    assert output.read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.jsonl", "o.jsonl", "undisturbed.jsonl"]


def test_several_processes_write_the_same_file(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_DOCUMENTS", 7)
    written(tmp_path / "c.jsonl", 40)
    seen: list[Progress] = []
    sums = []
    for processes in (1, 2):
        state = score_corpus(
            tiny_models / "tiny-gpt2", [tmp_path / "c.jsonl"], tmp_path / f"{processes}.jsonl", Settings(),
            processes=processes, threads=1, progress=seen.append,
        )
        sums.append(state.sums)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes() and sums[0] == sums[1]
    assert seen[-1].share == 1 and seen[-1].documents == 40 and "tokens/s" in describe(seen[-1])
    half = Progress(1000, 20, 10.0, 0.6, 0.2)
    assert "60%" in describe(half) and "100 tokens/s" in describe(half) and "0:10 left" in describe(half)


def test_broken_records_are_named_and_skipped(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "c.jsonl"
    lines = [b'{"text": "one"}', b"{broken", b"", b'{"other": 1}', b'{"text": 5}', b'{"text": ""}', b"\xff", b"[]"]
    lines.append(b'{"text": "x", "n": ' + b"9" * 5000 + b"}")
    lines.append(b"[" * 100_000)
    source.write_bytes(b"\n".join([*lines, b'{"text": "two \\ud800 words"}']))
    arguments = ["score", "--model", str(tiny_models / "tiny-gpt2"), str(source), "-o", str(tmp_path / "o.jsonl")]
    assert main([*arguments, "--threads", "1"]) == 1
    said = capsys.readouterr()
    for number, reason in ((2, "cannot be read as JSON"), (4, "no field 'text'"), (5, "not text"), (6, "empty"),
                           (7, "not UTF-8"), (8, "no field"), (9, "cannot be read as JSON"), (10, "nested too deeply")):
        assert any(f"{source}:{number} was skipped" in line and reason in line for line in said.err.splitlines())
    assert [each["source"] for each in records(tmp_path / "o.jsonl")] == [f"{source}:1", f"{source}:11"]
    assert "8 records were skipped" in said.err and "perplexity" in said.out


def test_two_corpora_in_one_table(tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("a", "the quick brown fox"), ("b", "def f(x):\n    return x")):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
        files = [str(tmp_path / f"{name}.txt"), "-o", str(tmp_path / f"{name}.jsonl")]
        model = ["--model", str(tiny_models / "tiny-gpt2"), "--threads", "1"]
        assert main(["score", *files, *model, "--summary", str(tmp_path / f"{name}.json")]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    heads, *lines = capsys.readouterr().out.splitlines()
    assert "tiny-gpt2: a.txt" in heads and "difference" in heads
    [found] = records(tmp_path / "a.jsonl")
    cells = next(line for line in lines if line.startswith("perplexity")).split()
    assert float(cells[1].replace(",", "")) == pytest.approx(math.exp(-np.mean(found["logprob"])), abs=1e-3)
    assert float(cells[3].replace(",", "")) == pytest.approx(
        float(cells[2].replace(",", "")) - float(cells[1].replace(",", "")), abs=2e-4)


NUMBERS: dict[str, Any] = {"documents": 1, "skipped": 0, "tokens": 2, "n": 2, "mean_surprisal": 1.5, "perplexity": 4.5,
                           "bits_per_byte": None, "classes": {}}
SUMMARY: dict[str, Any] = {"model": "m", "corpus": ["c"], **NUMBERS}


@pytest.mark.parametrize("damaged", [
    "{", "[]", "3", "null", "\udcff", {"model": "m", "corpus": ["c"]}, {**SUMMARY, "perplexity": "4.5"},
    {**SUMMARY, "tokens": [2]}, {**SUMMARY, "classes": []}, {**SUMMARY, "classes": {"word": 3}},
    {**SUMMARY, "corpus": 3}, {**SUMMARY, "classes": {"no such": {"n": 1, "mean_surprisal": 1.0}}},
    {**SUMMARY, "corpus": "c"}, {**SUMMARY, "model": 3}])
def test_a_damaged_summary_is_named(damaged: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(SUMMARY))
    text = damaged if isinstance(damaged, str) else json.dumps(damaged)
    bad.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert main(["compare", str(good), str(good)]) == 0
    capsys.readouterr()
    for files in ((good, bad), (bad, good)):
        assert main(["compare", *map(str, files)]) == 2
        assert capsys.readouterr().err == (
            f"error: {bad} is not a summary. Write one with tokenlight score --summary.\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--columns", "logprop"], "no column 'logprop'"),
        (["--stride", "256"], "--stride must be"),
        (["--context", "300"], "--context must be"),
        (["--processes", "0"], "--processes must be a whole number from 1 to"),
        (["--processes", "100000"], "--processes must be a whole number from 1 to"),
        (["--threads", "100000"], "threads must be a whole number from 1 to"),
        (["--columns", ","], "--columns names no column. Choose from ids, texts, bytes, logprob"),
        (["table.csv"], "table.csv is not a .txt, .jsonl, .parquet file. Rename or convert it."),
        (["--field", "body", "broken.parquet"], "broken.parquet"),
        (["missing.jsonl"], "There is no file missing.jsonl"),
        (["-o", "out.csv"], "must be a .jsonl or .parquet"),
        (["--model", "nowhere"], "nowhere is not a model folder"),
        (["--summary", "/nope/s.json"], "/nope/s.json cannot be written. Choose"),
        (["--summary", "/"], "/ cannot be written. Choose"),
        (["-o", "/nope/o.jsonl"], "/nope/o.jsonl cannot be written. Choose"),
    ],
)
def test_wrong_arguments_are_answered_with_a_sentence(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    more: list[str], said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("c.jsonl", "table.csv", "broken.parquet"):
        written(tmp_path / name, 1)
    model = ["--model", str(tiny_models / "tiny-gpt2"), "--threads", "1"]
    assert main(["score", *model, "-o", "o.jsonl", *more, "c.jsonl"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line
    assert not list(tmp_path.glob("o.jsonl*"))


@pytest.mark.parametrize("place", [
    "c.jsonl", "linked.jsonl", "sub/../c.jsonl", "o.jsonl", "o.jsonl.partial", "notes.txt", "settings.json"])
def test_a_summary_overwrites_nothing_but_a_summary(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """Neither the corpus, by whatever name, nor the output, nor another file; refused before anything is scored."""
    written(tmp_path / "c.jsonl", 1)
    (tmp_path / "linked.jsonl").hardlink_to(tmp_path / "c.jsonl")
    (tmp_path / "sub").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "settings.json").write_text("{}")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    command = ["score", "--model", str(tiny_models / "tiny-gpt2"), "--threads", "1", str(tmp_path / "c.jsonl")]
    command += ["-o", str(tmp_path / "o.jsonl")]
    assert main([*command, "--summary", str(tmp_path / place)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "Choose another file" in line and place.split("/")[-1] in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_an_earlier_summary_is_replaced(tiny_models: Path, tmp_path: Path) -> None:
    """And an empty file, which mktemp makes."""
    written(tmp_path / "c.jsonl", 1)
    for name, content in (("s.json", json.dumps(SUMMARY)), ("t.json", "")):
        (tmp_path / name).write_text(content)
        command = ["score", "--model", str(tiny_models / "tiny-gpt2"), "--threads", "1", str(tmp_path / "c.jsonl")]
        assert main([*command, "-o", str(tmp_path / f"{name}l"), "--summary", str(tmp_path / name)]) == 0
        assert json.loads((tmp_path / name).read_text())["model"] == "tiny-gpt2"


@pytest.mark.parametrize("empty", ["c.jsonl", "c.parquet", "c.txt"])
@pytest.mark.parametrize("output", ["o.jsonl", "o.parquet"])
def test_an_empty_corpus_has_a_summary(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], empty: str, output: str
) -> None:
    """And no records: neither the output nor what led to it is in the way of anything later."""
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet is optional; make installs pyarrow for the tests")
    from pyarrow import parquet

    source, to = tmp_path / empty, tmp_path / output
    source.write_bytes(b"")
    if source.suffix == ".parquet":
        parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), source)
    command = ["score", "--model", str(tiny_models / "tiny-gpt2"), "--threads", "1", str(source), "-o", str(to)]
    assert main(command) == int(empty == "c.txt")  # one document, which is empty and skipped
    assert "documents" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {empty, output}
    assert (parquet.read_table(to).num_rows if to.suffix == ".parquet" else to.stat().st_size) == 0


def test_nothing_is_overwritten_and_other_arguments_cannot_resume(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "c.jsonl", 2)
    arguments = ["score", str(tmp_path / "c.jsonl"), "--model", str(tiny_models / "tiny-gpt2"), "--threads", "1"]
    (tmp_path / "o.jsonl").write_text("mine")
    assert main([*arguments, "-o", str(tmp_path / "o.jsonl")]) == 2 and (tmp_path / "o.jsonl").read_text() == "mine"
    (tmp_path / "p.jsonl.partial").write_text("")
    (tmp_path / "p.jsonl.state").write_text(json.dumps(asdict(State("another"))))
    assert main([*arguments, "-o", str(tmp_path / "p.jsonl")]) == 2
    (tmp_path / "p.jsonl.state").write_text(json.dumps(asdict(State("another", bytes=9))))
    assert main([*arguments, "-o", str(tmp_path / "p.jsonl")]) == 2
    (tmp_path / "p.jsonl.state").write_text("[]")
    assert main([*arguments, "-o", str(tmp_path / "p.jsonl")]) == 2
    said = capsys.readouterr().err
    assert "is shorter than" in said and "p.jsonl.state is damaged" in said
    assert "o.jsonl exists" in said and "begun with another model, corpus or options" in said


def test_parquet_in_and_out(tiny_models: Path, tmp_path: Path) -> None:
    """The same numbers as from JSON lines."""
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet is optional; make installs pyarrow for the tests")
    from pyarrow import parquet

    texts = written(tmp_path / "c.jsonl", 9)
    table = pyarrow.table({"id": list(range(10)), "body": [*texts, None]})
    parquet.write_table(table, tmp_path / "c.parquet")
    settings = Settings(("rank", "logprob", "top_ids", "texts", "bytes", "word_surprisal"))
    skipped: list[str] = []
    for source, output, field in (("c.jsonl", "o.jsonl", "text"), ("c.parquet", "o.parquet", "body")):
        score_corpus(tiny_models / "tiny-gpt2", [tmp_path / source], tmp_path / output, settings, text_field=field,
                     threads=1, report=skipped.append)
    assert skipped == [f"{tmp_path / 'c.parquet'}:10 was skipped: its 'body' is not text"]
    found = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    expected = records(tmp_path / "o.jsonl")
    for one, other in zip(found, expected, strict=True):
        assert one.pop("source").endswith(other.pop("source").rsplit(":")[-1])
        assert one == other
