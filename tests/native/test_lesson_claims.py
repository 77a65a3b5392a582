"""What the lessons say of their texts is what SmolLM2 does: their claims worked out here from its runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyscripts.metrics.words import classify
from pyscripts.native import Model, Run, load

SITE = Path(__file__).resolve().parents[2] / "site"
FOLDER = SITE / "lessons"
SMOLLM2 = SITE / "models/smollm2"
pytestmark = pytest.mark.skipif(not SMOLLM2.exists(), reason="needs SmolLM2 (python export/build.py smollm2)")


@pytest.fixture(scope="module")
def smollm2() -> Model:
    return load(SMOLLM2, threads=2)


def lesson(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def bits(run: Run) -> np.ndarray:
    """[token] surprisal in bits."""
    return -run.logprob / np.log(2)


def at(run: Run, word: str, occurrence: int = 1) -> list[int]:
    """The tokens of the n-th place of a word, by the bytes they hold."""
    start = [match.start() for match in re.finditer(re.escape(word), run.text)][occurrence - 1]
    first = len(run.text[:start].encode())
    stop = first + len(word.encode())
    return [i for i, (begin, end) in enumerate(run.spans) if begin < stop and end > first]


def means(run: Run) -> dict[str, float]:
    """Mean bits by word class."""
    classes = np.array(classify(run.text.encode(), run.spans))
    return {name: float(bits(run)[classes == name].mean()) for name in set(classes)}


def strongest(model: Model, kind: str) -> tuple[int, int]:
    scores = np.array(model.manifest["head_scores"][kind], dtype=float)
    layer, head = np.unravel_index(np.nanargmax(scores), scores.shape)
    return int(layer), int(head)


def test_induction(smollm2: Model) -> None:
    text = lesson("induction")["text"]
    run = smollm2.read(text, keep=("attentions",))
    line = text.index("\n")  # ASCII: a character is a byte
    first, second = run.spans[:, 1] <= line, run.spans[:, 0] > line
    assert bits(run)[first].mean() > 12 and bits(run)[second].mean() < 2
    assert (run.rank[second] == 1).mean() > 0.8, "almost every word is the first choice"
    (once,), (again,) = at(run, "orbit"), at(run, "orbit", 2)
    assert run.rank[again] == 1 and run.rank[once] > 1000
    layer, head = strongest(smollm2, "induction")
    (followed,) = at(run, "whistle")
    assert run.attentions[layer, head, again + 1, followed + 1] > 0.9  # positions count the prefix
    assert run.attentions[:, :, again + 1].mean((0, 1))[followed + 1] < 0.1, "the mean over heads is a blur"
    scores = np.array(smollm2.manifest["head_scores"]["induction"])
    off = [{"layer": int(layer), "head": int(head), "scale": 0} for layer, head in np.argwhere(scores > 0.4)]
    without = smollm2.read(text, interventions={"heads": off})
    assert bits(without)[second].mean() > bits(run)[second].mean() + 5
    assert abs(bits(without)[first].mean() - bits(run)[first].mean()) < 1


@pytest.mark.parametrize("name", ["Zorvath", "Brixelda", "Quellimund"])
def test_an_invented_name_is_easier_the_second_time(smollm2: Model, name: str) -> None:
    sentence = f"My cat is called {name} and she sleeps."
    run = smollm2.read(f"{sentence} {sentence}")
    once, again = at(run, name), at(run, name, 2)
    assert bits(run)[again].sum() < bits(run)[once].sum() / 3
    assert (bits(run)[again[1:]] < 4).all(), "from its second token on at the latest"


def test_easy_words(smollm2: Model) -> None:
    text = lesson("easy-words")["text"]
    run = smollm2.read(text)
    mean = means(run)
    assert mean["function_word"] + 1 < mean["content_word"] and mean["continuation"] < mean["function_word"]
    (name,) = at(run, "name")
    bright = at(run, "bright")[0]
    entropy = run.entropy / np.log(2)
    assert bits(run)[name] > 10 and entropy[name] < 2, "sure, and wrong"
    assert entropy[bright] > 9 and bits(run)[bright] == pytest.approx(entropy[bright], abs=1.5)
    other = smollm2.vocabulary[run.statistics.top_ids[name, 0]]
    likelier = smollm2.read(text.replace(" name.", f"{other}."))
    assert -likelier.logprob.mean() < -run.logprob.mean(), "the perplexity falls"
    np.testing.assert_allclose(likelier.logprob[:name], run.logprob[:name], atol=1e-4)
    begun, *rest = bits(run)[at(run, "fishmonger")]
    assert begun > 2 * sum(rest) and rest[-1] < 0.5
    ends = [bits(smollm2.read(f"I take my coffee with milk and {end}."))[7] for end in ("cement", "sugar")]
    assert ends[0] > 15 and ends[1] < 8


def test_code_against_prose(smollm2: Model) -> None:
    code, prose = lesson("code")["text"], next(step["text"] for step in lesson("code")["steps"] if "text" in step)
    run, story = smollm2.read(code), smollm2.read(prose)
    mean, of_prose = means(run), means(story)
    assert mean["whitespace"] < 0.5
    assert mean["whitespace"] + 0.5 < mean["operator"] < mean["punctuation"] < mean["identifier"] - 1
    assert mean["function_word"] > of_prose["function_word"], "the words of the docstring are as hard as in prose"
    assert mean["punctuation"] < of_prose["punctuation"]
    assert bits(story).sum() / len(prose) > 1.5 * bits(run).sum() / len(code)
    first, later = at(run, "averages")[0], at(run, "averages", 2)[0]
    assert bits(run)[first] > 8 and run.rank[first] > 1 and run.rank[later] == 1
    assert (bits(run)[later + 1 : later + 3] < 0.2).all(), "“.append” is almost certain"
    (colon,) = at(run, ":", 2)
    broken = smollm2.read(code.replace("window < 1:", "window < 1"))
    assert bits(broken)[colon] > 10 and bits(run)[colon + 1] < 0.5, "the line end: before, after the colon"


def test_half_characters(smollm2: Model) -> None:
    run = smollm2.read(lesson("half-characters")["text"])
    begun, *rest = bits(run)[at(run, "東")]
    assert begun > 10 and rest[0] < 1 and len(rest) == 2
    for word in ("Moscow", "family", "whole"):
        assert len(at(run, word)) == 1, "common English words are one token"
    family = at(run, "👩‍👩‍👧")
    assert len(family) >= 10
    joiners = [bits(run)[at(run, "\u200d", n)].sum() for n in (1, 2)]
    assert joiners[0] > 8 and joiners[1] < 2


def test_attention(smollm2: Model) -> None:
    run = smollm2.read(lesson("attention")["text"], keep=("attentions",))
    (they,), (where,) = at(run, "they"), at(run, "where")
    assert bits(run)[they] < 0.1, "almost certain"
    rows = run.attentions[:, :, they + 1, : they + 2]  # [layer, head, key]
    assert rows[:, :, 0].mean() > 0.3, "a large share on the prefix token"
    assert np.argsort(-rows.mean((0, 1))[1:])[0] == where, "the nearest words get much"
    layer, head = strongest(smollm2, "previous_token")
    pattern = run.attentions[layer, head]
    without_sink = [pattern[i, i - 1] / (1 - pattern[i, 0]) for i in range(2, len(pattern))]
    assert without_sink[they - 1] > 0.9 and np.mean(np.array(without_sink) > 0.6) == 1
    entropies = -(rows * np.log(np.maximum(rows, 1e-12))).sum(-1).mean(1)  # [layer]
    assert entropies.argmax() == 0, "the first layer spreads most"
    half = len(rows) // 2
    assert rows[half:, :, 0].mean() > 2 * rows[:half, :, 0].mean(), "later layers rest more on the sink"
