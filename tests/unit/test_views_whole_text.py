"""The likelihood view's own data: strip, findings, comparison and preview of a small run; runs in CPython."""

import json
from itertools import pairwise

import numpy as np
import pytest

from pyscripts import run
from pyscripts.compare import Reading as Compared
from pyscripts.preview import preview
from pyscripts.trace import ModelShape, Outputs, Trace
from pyscripts.views import VIEWS, Context

PIECES = ["The", " cat", " sat", ". ", "The", " cat", " sat", ".", " Naïve", " 🙂"]
IDS = [1, 2, 3, 4, 1, 2, 3, 5, 6, 7]
VOCABULARY = ["", "The", " cat", " sat", ". ", ".", " Naïve", " 🙂", *map(str, range(52))]
SHAPE = ModelShape(layers=2, heads=2, hidden_size=4, vocab_size=len(VOCABULARY))


@pytest.fixture(scope="module")
def context() -> Context:
    """A run with random outputs, without BOS: its first token has no probability."""
    random = np.random.default_rng(3)
    n = len(IDS)
    attentions = np.tril(random.random((2, 2, n, n))).astype(np.float32)
    trace = Trace(IDS, SHAPE, bos=False)
    trace.extend(Outputs(
        logits=random.normal(0, 3, (n, SHAPE.vocab_size)).astype(np.float32),
        attentions=attentions / attentions.sum(-1, keepdims=True),
        hidden_states=random.normal(size=(3, n, 4)).astype(np.float32),
    ))
    ends = np.cumsum([0] + [len(piece.encode()) for piece in PIECES]).tolist()
    spans = [list(pair) for pair in pairwise(ends)]
    tokens = {"text": "".join(PIECES), "ids": IDS, "texts": PIECES, "bytes": spans}
    return Context(run.Reading(trace, tokens, {"topK": 5}), {"name": "small"}, VOCABULARY)


def test_strip_is_in_bits(context: Context) -> None:
    lines = VIEWS["strip"](context)
    found = context.reading.trace.statistics()
    assert np.isnan(lines["surprisal"][0]) and np.isnan(lines["entropy"][0])
    np.testing.assert_allclose(lines["surprisal"][1:], -found.logprob[1:] / np.log(2))
    np.testing.assert_allclose(lines["entropy"][1:], found.entropy[1:] / np.log(2))
    assert lines["highest"] == max(np.nanmax(lines["surprisal"]), np.nanmax(lines["entropy"]))


def test_findings(context: Context) -> None:
    found, logprob = VIEWS["findings"](context), context.reading.trace.statistics().logprob
    assert [r["token"] for r in found["surprises"]] == np.argsort(np.where(np.isnan(logprob), 9, logprob))[:9].tolist()
    worst = found["surprises"][0]
    assert worst["text"] == PIECES[worst["token"]] and worst["probability"] == np.exp(logprob[worst["token"]])
    assert found["code"] is False
    assert sum(row["count"] for row in found["classes"]) == len(IDS)
    (copy,) = found["copies"]
    assert (copy["start"], copy["source"], copy["length"], copy["text"]) == (4, 0, 3, "The cat sat")
    assert copy["later"] == pytest.approx(-logprob[4:7].mean() / np.log(2))
    assert copy["first"] == pytest.approx(-logprob[1:3].mean() / np.log(2))  # the first token has none
    assert found["curve"]["later"] == pytest.approx(logprob[4:7].tolist())


def test_comparison(context: Context) -> None:
    assert VIEWS["comparison"](context) is None
    now = context.reading.trace.statistics().logprob
    kept = Compared("other", context.reading.tokens, now - np.arange(len(IDS)))
    found = VIEWS["comparison"](Context(context.reading, context.model, VOCABULARY, pinned=kept))
    assert found["a"]["model"] == "other" and found["b"]["model"] == "small"
    assert np.isnan(found["b_change"][0])
    np.testing.assert_allclose(found["b_change"][1:], np.arange(1, len(IDS)))
    np.testing.assert_allclose(found["a_change"][1:], -np.arange(1, len(IDS)))
    np.testing.assert_array_equal(found["a_logprob"], kept.logprob)
    np.testing.assert_array_equal(found["b_logprob"], now)
    assert found["largest"][0] == {"token": 9, "text": " 🙂", "change": pytest.approx(9)}
    assert found["b"]["colours"]["light"]["background"][0] == "transparent"


def test_preview_is_plain_json_with_every_colouring(context: Context) -> None:
    made = json.loads(json.dumps(preview(context), allow_nan=False))
    assert set(made["colours"]) == {entry["id"] for entry in made["colourings"]}
    assert all(len(colours["light"]["background"]) == len(IDS) for colours in made["colours"].values())
    assert made["columns"]["rank"] == context.reading.trace.statistics().rank.tolist()
    assert len(made["columns"]["top_ids"]) == len(IDS) * made["top_k"]
    assert {str(id) for id in made["columns"]["top_ids"]} == set(made["vocabulary"])
    assert made["findings"] == json.loads(json.dumps(VIEWS["findings"](context)))
