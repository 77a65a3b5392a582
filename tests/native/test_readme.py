"""What the README says of Python works as it stands, and the command line answers."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyscripts.metrics import METRICS
from pyscripts.native.__main__ import main
from tests.unit.json_schema import check

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_example_of_the_readme_runs(tiny_models: Path) -> None:
    [code] = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "load(" in block]
    names: dict[str, Any] = {}
    exec(code.replace("site/models/smollm2", str(tiny_models / "tiny-llama")), names)
    run = names["run"]
    assert len(run.texts) == len(run.logprob) == len(run.spans)
    assert len(run.metric("word_surprisal_corrected")) == len(run.words) and np.isfinite(run.logprob).all()
    assert run.of_tokens(run.resid).shape[1] == len(run.ids)


def test_commands_answer_in_json(tiny_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ["--model", str(tiny_models / "tiny-gpt2")]
    assert main(["read", *model, "--threads", "1", "--top-k", "3", "a text"]) == 0
    run = json.loads(capsys.readouterr().out)
    check(run)
    assert len(run["tokens"][0]["top"]) == 3
    assert main(["generate", *model, "--threads", "1", "--max-tokens", "4", "--greedy", "a text"]) == 0
    written = json.loads(capsys.readouterr().out)
    check(written)
    assert len(written["steps"]) <= 4 and written["options"]["greedy"]
    assert main(["heads", *model]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert np.array(scores["induction"]).shape == (2, 4)
    assert main(["columns"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(METRICS) and all(line.endswith(".") for line in lines)
