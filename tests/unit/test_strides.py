"""Strided windows by hand and against the loop of the transformers documentation on a tiny model; runs in CPython."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.metrics import text
from pyscripts.model_outputs import ModelShape
from pyscripts.page.session import Session, token_columns
from pyscripts.run import Reading
from pyscripts.strides import StridedTrace, Window, context_of, plan
from tests.export.models import random_model
from tests.unit.cut_text import cut, tokens_of
from tests.unit.test_tokens import Floats

SHAPE = ModelShape(layers=1, heads=2, hidden_size=4, vocab_size=130)


def test_by_hand() -> None:
    """Ten positions, a context of four, a stride of two: a prefix P and the tokens a ... i.

    P a b c | b c D E | d e F G | f g H I; capitals are the tokens that count from the later windows.
    """
    windows = plan(10, 4, 2)
    assert windows == [Window(0, 4, 1), Window(2, 6, 4), Window(4, 8, 6), Window(6, 10, 8)]
    assert context_of(windows).tolist() == [0, 1, 2, 3, 2, 3, 2, 3, 2, 3]
    assert plan(11, 4, 3) == [Window(0, 4, 1), Window(3, 7, 4), Window(6, 10, 7), Window(9, 11, 10)]
    assert plan(4, 4, 2) == [Window(0, 4, 1)] and plan(1, 4, 2) == [Window(0, 1, 1)]


@given(st.integers(1, 300), st.integers(2, 40), st.data())
def test_every_token_counts_once_with_enough_context(positions: int, context: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, context - 1))
    windows = plan(positions, context, stride)
    scored = [p for window in windows for p in range(window.scored, window.stop)]
    assert scored == list(range(1, positions))
    assert all(window.start < window.scored and window.stop - window.start <= context for window in windows)
    before = context_of(windows)
    assert len(before) == positions
    assert (before[1:] >= np.minimum(np.arange(1, positions), context - stride)).all()
    assert (before <= np.arange(positions)).all() and (before < context).all()


def documented_nll(model: torch.nn.Module, ids: torch.Tensor, context: int, stride: int) -> float:
    """Mean surprisal by transformers' own loss, in the loop of its documentation (docs/source/en/perplexity.md)."""
    length, before, total, count = ids.shape[1], 0, 0.0, 0
    for begin in range(0, length, stride):
        end = min(begin + context, length)
        labels = ids[:, begin:end].clone()
        labels[:, : -(end - before)] = -100
        with torch.no_grad():
            loss = model(ids[:, begin:end], labels=labels).loss
        valid = int((labels != -100).sum()) - int(labels[0, 0] != -100)  # the first label is shifted out
        total, count, before = total + float(loss) * valid, count + valid, end
        if end == length:
            break
    return total / count


def strided(ids: list[int], context: int, stride: int, *, prefix: bool, chunk: int) -> StridedTrace:
    """A text read by a tiny GPT-2, `chunk` positions of a window at a time."""
    model, trace = random_model("gpt2"), StridedTrace(ids, SHAPE, context, stride, prefix=prefix)
    for window in trace.windows:
        with torch.no_grad():
            logits = model(torch.tensor([ids[window.start : window.stop]])).logits[0].numpy()
        for start in range(0, len(logits), chunk):
            trace.score(logits[start : start + chunk])
            assert trace.shown == len(trace.statistics().logprob) == len(trace.tokens_seen())
    return trace


@pytest.mark.parametrize(("context", "stride", "chunk"), [(16, 8, 16), (16, 5, 3), (64, 63, 64), (64, 40, 7)])
def test_equals_transformers(context: int, stride: int, chunk: int) -> None:
    ids = torch.randint(0, 130, (1, 101), generator=torch.Generator().manual_seed(3))
    trace = strided(ids[0].tolist(), context, stride, prefix=False, chunk=chunk)
    logprob = trace.statistics().logprob
    assert len(logprob) == 101 and np.isnan(logprob[0]) and not np.isnan(logprob[1:]).any()
    assert -logprob[1:].mean() == pytest.approx(documented_nll(random_model("gpt2"), ids, context, stride), abs=1e-5)
    np.testing.assert_array_equal(trace.tokens_seen(), context_of(trace.windows))


def test_the_prefix_is_no_context() -> None:
    """By hand, as above: P a b c | b c D E | d e F G | f g H I."""
    trace = strided(list(range(10)), 4, 2, prefix=True, chunk=4)
    assert trace.tokens_seen().tolist() == [0, 1, 2, 2, 3, 2, 3, 2, 3]
    columns = token_columns(Reading(trace, tokens_of(*[b" a"] * 9), {}), 3)
    assert columns["tokens_seen"].tolist() == [2, 3, 2, 3, 2, 3] and columns["tokens_seen"].dtype == np.int32
    np.testing.assert_allclose(columns["logprob"], trace.statistics().logprob[3:], rtol=1e-6)


def test_logits_must_fit_their_window() -> None:
    trace = StridedTrace(list(range(6)), SHAPE, 4, 2, prefix=True)
    for rows, vocab in ((5, 130), (4, 7)):
        with pytest.raises(ValueError, match="do not fit window 0"):
            trace.score(np.zeros((rows, vocab), np.float32))
    for rows in (4, 4):
        trace.score(np.zeros((rows, 130), np.float32))
    with pytest.raises(ValueError, match="do not fit window 2"):
        trace.score(np.zeros((1, 130), np.float32))


def test_the_run_says_its_windows() -> None:
    """Equal logits, so that the numbers are known: 7 tokens after a prefix, a context of 4."""
    manifest = {"id": "m", "sha256": "0" * 64, "layers": 1, "heads": 2, "hidden_size": 4, "vocab_size": 8,
                "context_length": 4, "prefix": {"id": 0, "text": "<s>", "reason": "why"}}
    session, tokens = Session(), {**cut(*[b"x"] * 7), "ids": [1, 2, 3, 4, 5, 6, 7]}
    session.use_model(json.dumps(manifest), json.dumps(["x"] * 8), "[]")
    conditions = {"model": manifest["sha256"], "prefix": 0, "interventions": "{}", "stride": 2}
    asked: dict[str, Any] = {"tokens": tokens, "options": {"stride": 2}, "conditions": conditions, "keep": 0}
    windows = json.loads(session.begin(1, json.dumps({**asked, "promptLength": None})))
    assert windows == [[0, 4], [2, 6], [4, 8]]
    counts = []
    for start, stop in windows:
        session.extend(1, [SimpleNamespace(count=stop - start, logits=Floats(np.zeros((stop - start, 8))))], "[]")
        counts.append(session.update(1)["count"])
    assert sum(counts) == 7 and min(counts) > 0
    session.finish(1, "{}")
    run = json.loads(session.view(1, "run", "{}")["json"])
    ranges = [{"start": start, "stop": start + 4, "scored": scored} for start, scored in ((0, 1), (2, 4), (4, 6))]
    assert run["windows"] == {"context": 4, "stride": 2, "ranges": ranges} and run["options"]["stride"] == 2
    assert run["summary"]["perplexity"] == pytest.approx(8) and run["summary"]["scored_tokens"] == 7
    assert run["summary"]["convention"] == text.convention(7, 7, 7, {"text": "<s>"}, (4, 2))
    table = json.loads(session.view(1, "table", json.dumps({"view": "strip", "args": {}}))["json"])
    at = table["columns"].index("tokens of context")
    assert [row[at] for row in table["rows"]] == [0, 1, 2, 2, 3, 2, 3]
    for view, args in (("layers", {"token": 1}), ("csv", {"view": "focus", "args": {"token": 1}})):
        with pytest.raises(ValueError, match="layers and attention need a text within the context"):
            session.view(1, view, json.dumps(args))


def test_the_convention_says_how_much_context_there_was() -> None:
    assert text.convention(3000, 3000, 3000, {"text": "<s>"}, (1024, 512)) == (
        "Over 3,000 tokens in windows of 1,024, stride 512: each token saw at least 512 tokens before it, or all there "
        "were; only the first window is the start of a document (after <s>).")
    assert text.convention(1999, 2000, 3000, None, (1024, 1000)).startswith(
        "Over 1,999 of the first 2,000 of 3,000 tokens in windows of 1,024, stride 1,000: each token saw at least 24 ")


@pytest.mark.parametrize(("positions", "context", "stride"), [(0, 4, 2), (5, 1, 1), (5, 4, 0), (5, 4, 4)])
def test_bad_plans(positions: int, context: int, stride: int) -> None:
    with pytest.raises(ValueError, match="strided windows need"):
        plan(positions, context, stride)
