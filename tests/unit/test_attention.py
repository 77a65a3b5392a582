"""Attention statistics against torch and scipy in float64, in one piece and in chunks; runs in CPython."""

import tracemalloc

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.metrics import attention, heads


def causal(heads: int, tokens: int, seed: int = 0, dtype: type = np.float32) -> np.ndarray:
    """Random attention [head, query, key] as a causal softmax makes it."""
    scores = torch.randn(heads, tokens, tokens, generator=torch.Generator().manual_seed(seed)) * 3
    hidden = torch.triu(torch.full((tokens, tokens), -torch.inf), 1)
    return torch.softmax(scores + hidden, -1).numpy().astype(dtype)


def test_equals_torch_and_scipy() -> None:
    rows = causal(3, 40)
    found = attention.entropies(rows)
    exact = torch.distributions.Categorical(probs=torch.tensor(rows, dtype=torch.float64)).entropy()
    np.testing.assert_allclose(found.entropy, exact, atol=2e-6)
    np.testing.assert_allclose(found.entropy, scipy.stats.entropy(rows.astype(float), axis=2), atol=2e-6)
    np.testing.assert_array_equal(found.sink, rows[:, :, 0])
    rest = torch.distributions.Categorical(probs=torch.tensor(rows[:, 1:, 1:], dtype=torch.float64))  # renormalises
    np.testing.assert_allclose(found.without_sink[:, 1:], rest.entropy(), atol=2e-6)
    assert np.isnan(found.without_sink[:, 0]).all(), "the first query has nothing but the sink"
    distance = np.arange(40)[:, None] - np.arange(40)
    np.testing.assert_allclose(attention.mean_distance(rows), (rows * distance).sum(2), rtol=1e-5, atol=1e-6)
    normalised = attention.normalise(found.entropy, attention.visible(40))
    np.testing.assert_allclose(normalised[:, 1:], exact[:, 1:].numpy() / np.log(np.arange(2, 41)), atol=2e-6)
    assert np.isnan(normalised[:, 0]).all()
    np.testing.assert_array_equal(found.entropy[:, 0], 0)


def test_worked_by_hand() -> None:
    rows = np.array([[[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.25, 0.5]]])
    found = attention.entropies(rows)
    np.testing.assert_allclose(found.entropy[0], [0, np.log(2), 1.5 * np.log(2)], atol=1e-7)
    np.testing.assert_allclose(found.sink[0], [1, 0.5, 0.25])
    third = -(1 / 3) * np.log(1 / 3) - (2 / 3) * np.log(2 / 3)  # 0.25 and 0.5 without the sink are 1/3 and 2/3
    np.testing.assert_allclose(found.without_sink[0, 1:], [0, third], atol=1e-7)
    np.testing.assert_allclose(attention.mean_distance(rows)[0], [0, 0.5, 0.75], atol=1e-7)
    np.testing.assert_allclose(
        attention.normalise(found.entropy[0], [1, 2, 3]), [np.nan, 1, 1.5 / np.log2(3)], atol=1e-7
    )


def test_visible_positions_by_hand() -> None:
    """A window of 3: the query itself and two before it; position 0, the sink, leaves the window at query 3."""
    assert attention.visible(5).tolist() == [1, 2, 3, 4, 5]
    assert attention.visible(5, window=3).tolist() == [1, 2, 3, 3, 3]
    assert attention.visible(2, past=2, window=3).tolist() == [3, 3]
    assert attention.visible_without_sink(5).tolist() == [0, 1, 2, 3, 4]
    assert attention.visible_without_sink(5, window=3).tolist() == [0, 1, 2, 3, 3]


def test_a_uniform_windowed_head_has_normalised_entropy_one() -> None:
    tokens, window = 40, 8
    position = np.arange(tokens)
    inside = (position <= position[:, None]) & (position > position[:, None] - window)
    rows = (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)[None]  # [head, query, key]
    found = attention.entropies(rows)
    normalised = attention.normalise(found.entropy, attention.visible(tokens, window=window))
    np.testing.assert_allclose(normalised[0, 1:], 1, atol=1e-6)
    without = attention.normalise(found.without_sink, attention.visible_without_sink(tokens, window=window))
    np.testing.assert_allclose(without[0, 2:], 1, atol=1e-6)


def test_the_rest_beside_an_overwhelming_sink_keeps_its_digits() -> None:
    """All but 1e-6 on the sink: the entropy of the rest is exact, not what the rounding of the whole leaves of it."""
    row = np.array([1 - 1e-6, 3e-7, 7e-7], np.float32)
    rows = np.zeros((1, 3, 3), np.float32)
    rows[0, :, 0], rows[0, 2] = 1, row
    rest = row[1:].astype(np.float64)
    assert attention.entropies(rows).without_sink[0, 2] == pytest.approx(scipy.stats.entropy(rest), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 45), st.integers(0, 44), st.integers(0, 99))
def test_chunks_give_what_the_whole_gives(heads: int, tokens: int, cut: int, seed: int) -> None:
    rows = causal(heads, tokens, seed)
    cut = min(cut, tokens)
    whole = attention.entropies(rows)
    parts = [attention.entropies(rows[:, :cut, :cut]), attention.entropies(rows[:, cut:], past=cut)]
    for name in ("entropy", "without_sink", "sink"):
        joined = np.concatenate([getattr(part, name) for part in parts], axis=1)
        np.testing.assert_allclose(joined, getattr(whole, name), atol=3e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 30), st.integers(0, 99))
def test_ranges_and_permutation_of_heads(tokens: int, seed: int) -> None:
    rows = causal(4, tokens, seed)
    found = attention.entropies(rows)
    greatest = np.log(np.arange(1, tokens + 1))
    assert (found.entropy >= 0).all() and (found.entropy <= greatest + 1e-5).all()
    assert ((found.sink >= 0) & (found.sink <= 1)).all()
    without = found.without_sink[:, 1:]
    assert (without >= 0).all() and (without <= np.log(np.arange(1, tokens)) + 1e-5).all()
    distance = attention.mean_distance(rows)
    assert (distance >= 0).all() and (distance <= np.arange(tokens) + 1e-4).all()
    permuted = attention.entropies(rows[[2, 0, 3, 1]])
    np.testing.assert_array_equal(permuted.entropy, found.entropy[[2, 0, 3, 1]])


def test_uniform_rows_have_entropy_ln_n() -> None:
    tokens = 50
    rows = (
        np.tril(np.ones((tokens, tokens), np.float32)) / np.arange(1, tokens + 1, dtype=np.float32)[:, None]
    )
    found = attention.entropies(rows[None])
    np.testing.assert_allclose(found.entropy[0], np.log(np.arange(1, tokens + 1)), atol=1e-6)
    np.testing.assert_allclose(attention.normalise(found.entropy[0], attention.visible(tokens))[1:], 1, atol=1e-6)


def test_extremes() -> None:
    masked = attention.entropies(np.zeros((1, 2, 2), np.float32))
    assert (masked.entropy == 0).all() and np.isnan(masked.without_sink).all()
    denormal = np.array([[[1, 0], [1e-44, 1]]], np.float32)
    assert attention.entropies(denormal).entropy[0, 1] == pytest.approx(0, abs=1e-30)
    half = causal(2, 20, dtype=np.float16)
    np.testing.assert_allclose(
        attention.entropies(half).entropy,
        attention.entropies(half.astype(np.float64)).entropy,
        atol=1e-6,
    )
    assert attention.entropies(np.zeros((2, 0, 0), np.float32)).entropy.shape == (2, 0)


@pytest.mark.parametrize(
    ("array", "past", "message"),
    [
        (np.zeros((2, 2), np.float32), 0, "head, query"),
        (np.zeros((1, 2, 3), np.float32), 0, "head, query"),
        (np.zeros((1, 2, 2), np.float32), -1, "head, query"),
        (np.zeros((0, 2, 2), np.float32), 0, "head, query"),
        (np.zeros((1, 2, 2), int), 0, "floating point"),
        (np.full((1, 1, 1), np.nan, np.float32), 0, "NaN"),
    ],
)
def test_bad_input(array: np.ndarray, past: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attention.entropies(array, past)


def test_needs_little_memory_beyond_its_inputs() -> None:
    rows = causal(12, 256)
    ids = np.arange(256) % 3  # many repeats, so that the patterns have many keys
    tracemalloc.start()
    attention.entropies(rows)
    heads.pattern_mass(rows, ids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.4 * rows.nbytes
