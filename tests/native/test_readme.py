"""What the README says of Python works as it stands, and the command line answers."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyscripts.metrics import METRICS
from pyscripts.native.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def on_tiny_models(code: str, models: Path) -> str:
    for name, tiny in (("gpt2", "tiny-gpt2"), ("smollm2", "tiny-llama")):
        code = code.replace(f"site/models/{name}", str(models / tiny))
    return code


@pytest.fixture(scope="module")
def example(tiny_models: Path) -> dict[str, Any]:
    """The names that the README's first example leaves."""
    names: dict[str, Any] = {}
    exec(on_tiny_models(blocks("python")[0], tiny_models), names)
    return names


def test_the_example_of_the_readme_runs(example: dict[str, Any]) -> None:
    run = example["run"]
    assert len(run.texts) == len(run.logprob) == len(run.spans)
    assert len(run.metric("word_surprisal_corrected")) == len(run.words) and np.isfinite(run.logprob).all()
    assert run.of_tokens(run.resid).shape[1] == len(run.ids)


def test_the_changed_models_of_the_readme_differ(example: dict[str, Any]) -> None:
    model, run = example["model"], example["run"]
    ids = run.ids.tolist()
    names = {**example, "run_a": run, "run_b": model.read([ids[1], *ids[1:]])}
    exec(blocks("python")[1], names)
    assert len(names["off"].ids) == len(ids) and not np.allclose(names["off"].logprob, run.logprob)
    assert names["vector"].shape == run.resid.shape[-1:] and names["vector"].any()
    plain = model.generate("Once upon a time")
    assert not np.allclose(names["steered"].logprob[-1], plain.logprob[-1])


@pytest.fixture(scope="module")
def scored(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the README's commands were run one after the other, and what they printed."""
    folder, said = tmp_path_factory.mktemp("corpus"), []
    texts = ["The capital of France is Paris.", "def add(a, b):\n    return a + b", "naïve 🦩"]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    commands = [line for block in blocks("") for line in block.splitlines() if line.startswith("tokenlight ")]
    assert len(commands) == 4
    for line in commands:
        name, *arguments = shlex.split(on_tiny_models(line, tiny_models))
        ran = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
                              "from pyscripts.__main__ import main; sys.exit(main())", *arguments],
                             cwd=folder, capture_output=True, text=True)
        assert ran.returncode == 0 and name == "tokenlight", ran.stderr
        said.append(ran.stdout)
    return folder, said[-1]


def test_the_commands_of_the_readme_score_and_compare(scored: tuple[Path, str]) -> None:
    folder, table = scored
    [first, *_] = [json.loads(line) for line in (folder / "out.jsonl").read_text("utf-8").splitlines()]
    assert list(first) == ["source", "tokens", "texts", "logprob", "rank", "entropy"]
    assert "".join(first["texts"]) == "The capital of France is Paris." and len(first["rank"]) == first["tokens"]
    for side, name in (("a", "tiny-gpt2"), ("b", "tiny-llama")):
        summary = json.loads((folder / f"{side}.json").read_text("utf-8"))
        assert summary["model"] == name and f"{summary['perplexity']:,.4f}" in table


def test_the_plots_of_the_readme_show_these_numbers(
    example: dict[str, Any], scored: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is optional; make installs it for the tests")
    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.chdir(scored[0])
    exec(blocks("python")[2], dict(example))
    bars, points = (pyplot.figure(number).axes[0] for number in pyplot.get_fignums())
    assert [bar.get_height() for bar in bars.patches] == pytest.approx((-example["run"].logprob).tolist())
    summaries = [json.loads((scored[0] / f"{side}.json").read_text("utf-8")) for side in "ab"]
    sums = points.collections[0].get_offsets().sum(axis=0)
    assert sums.tolist() == pytest.approx([each["mean_surprisal"] * each["n"] for each in summaries])
    pyplot.close("all")


def test_commands_answer_in_json(tiny_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ["--model", str(tiny_models / "tiny-gpt2")]
    assert main(["read", *model, "--threads", "1", "--top-k", "3", "a text"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert len(run["tokens"][0]["top"]) == 3
    assert main(["generate", *model, "--threads", "1", "--max-tokens", "4", "--greedy", "a text"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert len(written["steps"]) <= 4 and written["options"]["greedy"]
    assert main(["heads", *model]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert np.array(scores["induction"]).shape == (2, 4)
    assert main(["columns"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ids", "texts", "bytes", *METRICS]
    assert all(line.endswith(".") for line in lines)
