"""Strided windows by hand and against the loop of the transformers documentation on a tiny model; runs in CPython."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.likelihood import NO_TARGET, token_statistics
from pyscripts.strides import Window, combine, context_of, plan
from tests.export.models import random_model


def test_by_hand() -> None:
    """Ten positions, a context of four, a stride of two: a prefix P and the tokens a ... i.

    P a b c | b c D E | d e F G | f g H I; capitals are the tokens that count from the later windows.
    """
    windows = plan(10, 4, 2)
    assert windows == [Window(0, 4, 1), Window(2, 6, 4), Window(4, 8, 6), Window(6, 10, 8)]
    assert context_of(windows).tolist() == [0, 1, 2, 3, 2, 3, 2, 3, 2, 3]
    parts = np.array([[np.nan, 1, 2, 3], [-1, -1, 4, 5], [-1, -1, 6, 7], [-1, -1, 8, 9]])
    np.testing.assert_array_equal(combine(windows, list(parts)), [np.nan, *range(1, 10)])
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
    positions_of = [np.arange(window.start, window.stop) for window in windows]
    np.testing.assert_array_equal(combine(windows, positions_of), np.arange(positions))


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


@pytest.mark.parametrize(("context", "stride"), [(16, 8), (16, 5), (64, 63), (64, 40)])
def test_equals_transformers(context: int, stride: int) -> None:
    model = random_model("gpt2")
    ids = torch.randint(0, 130, (1, 101), generator=torch.Generator().manual_seed(3))
    windows, parts = plan(ids.shape[1], context, stride), []
    for window in windows:
        part = ids[:, window.start : window.stop]
        with torch.no_grad():
            logits = model(part).logits[0].numpy()
        found = token_statistics(logits, [*part[0, 1:].tolist(), NO_TARGET]).logprob
        parts.append(np.concatenate([[np.nan], found[:-1]]))  # by the position of the token
    logprob = combine(windows, parts)
    assert np.isnan(logprob[0]) and not np.isnan(logprob[1:]).any()
    assert -logprob[1:].mean() == pytest.approx(documented_nll(model, ids, context, stride), abs=1e-5)


@pytest.mark.parametrize(("positions", "context", "stride"), [(0, 4, 2), (5, 1, 1), (5, 4, 0), (5, 4, 4)])
def test_bad_plans(positions: int, context: int, stride: int) -> None:
    with pytest.raises(ValueError, match="strided windows need"):
        plan(positions, context, stride)


def test_parts_must_fit() -> None:
    with pytest.raises(ValueError, match="windows need"):
        combine(plan(5, 4, 2), [[1, 2, 3, 4]])
    with pytest.raises(ValueError, match="a window of 3 positions"):
        combine(plan(5, 4, 2), [[1, 2, 3, 4], [1, 2]])
