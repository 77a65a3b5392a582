"""Token statistics against torch in float64, the order of ties, and inputs at the edge; runs in CPython."""

import tracemalloc

import numpy as np
import pytest
import scipy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyscripts.metrics import likelihood

VOCABULARY = 50257
ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 40)),
    elements=st.floats(-30, 30, width=32),
)


def gpt2_like(tokens: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Peaked logits [token, vocabulary] of GPT-2's size and level (around -100), targets of every rank."""
    random = np.random.default_rng(tokens)
    logits = random.standard_normal((tokens, VOCABULARY)) * 3 - 100
    logits[np.arange(tokens), random.integers(0, VOCABULARY, tokens)] += random.uniform(0, 20, tokens)
    logits = logits.astype(dtype)
    order = np.argsort(-logits, axis=1, kind="stable")
    ranks = np.geomspace(1, VOCABULARY, tokens).astype(int) - 1
    return logits, order[np.arange(tokens), ranks]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_equals_torch_over_a_full_vocabulary(dtype: type) -> None:
    logits, targets = gpt2_like(21, dtype)
    found = likelihood.token_statistics(logits, targets, top_k=50)
    exact = torch.log_softmax(torch.tensor(logits.astype(np.float64)), -1)  # [token, vocabulary]
    logprob = exact[range(len(targets)), targets]
    np.testing.assert_allclose(found.logprob, logprob, atol=2e-6)
    entropy = torch.distributions.Categorical(logits=exact).entropy()
    np.testing.assert_allclose(found.entropy, entropy, atol=2e-6)
    top = torch.sort(exact, dim=-1, descending=True, stable=True).indices[:, :50]
    np.testing.assert_array_equal(found.top_ids, top)
    np.testing.assert_allclose(found.top_logprobs, exact.gather(1, top), atol=2e-6)
    np.testing.assert_allclose(found.probability, logprob.exp(), atol=1e-6)
    np.testing.assert_allclose(found.surprisal, -logprob, atol=2e-6)
    for t, target in enumerate(targets):
        ahead = (logits[t] > logits[t, target]) | (
            (logits[t] == logits[t, target]) & (np.arange(VOCABULARY) < target)
        )
        assert found.rank[t] == ahead.sum() + 1
        above = float(exact[t].exp()[torch.tensor(ahead)].sum())
        assert found.mass_above[t] == pytest.approx(above, abs=1e-6)


def test_worked_by_hand() -> None:
    logits = np.log([[0.5, 0.25, 0.125, 0.125], [0.125, 0.5, 0.25, 0.125]])
    found = likelihood.token_statistics(logits, [3, 0], top_k=3)
    np.testing.assert_allclose(found.probability, [0.125, 0.125])
    np.testing.assert_allclose(found.surprisal, [3 * np.log(2)] * 2)
    np.testing.assert_allclose(found.entropy, 1.75 * np.log(2))
    np.testing.assert_allclose(found.surprise_excess, 1.25 * np.log(2))
    np.testing.assert_array_equal(found.rank, [4, 3])
    np.testing.assert_allclose(found.mass_above, [0.875, 0.75])
    np.testing.assert_array_equal(found.top_ids, [[0, 1, 2], [1, 2, 0]])


def test_ties_go_to_the_lower_id_whatever_the_size() -> None:
    for size in (1, 7, 4096, 9001):
        logits = np.zeros((1, size), np.float32)
        found = likelihood.token_statistics(logits, [size - 1], top_k=12)
        np.testing.assert_array_equal(found.top_ids[0], np.arange(min(12, size)))
        assert found.rank[0] == size
        assert found.mass_above[0] == pytest.approx((size - 1) / size)
        assert found.entropy[0] == pytest.approx(np.log(size), abs=1e-6)
    twice = np.zeros((1, 9001), np.float32)
    twice[0, [8000, 40, 77]] = [5, 5, np.nextafter(np.float32(5), np.float32(6))]
    found = likelihood.token_statistics(twice, [8000], top_k=4)
    np.testing.assert_array_equal(found.top_ids[0], [77, 40, 8000, 0])
    assert found.rank[0] == 3


@settings(deadline=None, max_examples=150)
@given(ROWS, st.integers(0, 1000), st.floats(-50, 50, width=16))
def test_ranges_and_invariance_to_a_shift(logits: np.ndarray, choice: int, shift: float) -> None:
    tokens, vocabulary = logits.shape
    targets = np.full(tokens, choice % vocabulary)
    found = likelihood.token_statistics(logits, targets, top_k=vocabulary)
    assert (found.logprob <= 0).all() and (found.entropy >= 0).all()
    assert (found.entropy <= np.log(vocabulary) + 1e-5).all()
    assert ((found.mass_above >= 0) & (found.mass_above + found.probability <= 1 + 1e-5)).all()
    np.testing.assert_allclose(np.exp(found.top_logprobs).sum(1), 1, atol=1e-5)
    assert (np.diff(found.top_logprobs, axis=1) <= 0).all()
    np.testing.assert_array_equal(np.sort(found.top_ids, 1), np.tile(np.arange(vocabulary), (tokens, 1)))
    for t in range(tokens):
        assert found.top_ids[t, found.rank[t] - 1] == targets[t]
    moved = likelihood.token_statistics(logits + np.float32(shift), targets)
    np.testing.assert_allclose(moved.logprob, found.logprob, atol=3e-5)
    np.testing.assert_allclose(moved.entropy, found.entropy, atol=3e-4)


@settings(deadline=None, max_examples=80)
@given(hnp.arrays(np.float32, st.integers(0, 9000), elements=st.floats(-2, 2, width=16)), st.integers(0, 60))
def test_top_k_is_the_head_of_a_stable_sort(values: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(likelihood.top_k(values, k), np.argsort(-values, kind="stable")[:k])


def test_impossible_tokens_have_probability_zero() -> None:
    logits = np.array([[0, -np.inf, 0, -np.inf]], np.float32)
    found = likelihood.token_statistics(logits, [1], top_k=4)
    assert found.logprob[0] == -np.inf and found.surprisal[0] == np.inf
    assert found.rank[0] == 3 and found.mass_above[0] == 1
    assert found.entropy[0] == pytest.approx(np.log(2), abs=1e-7)
    np.testing.assert_array_equal(found.top_ids[0], [0, 2, 1, 3])
    np.testing.assert_array_equal(np.exp(found.top_logprobs[0]), [0.5, 0.5, 0, 0])
    unequal = likelihood.token_statistics(np.array([[0, 1, -np.inf], [0, 1, 2]], np.float32), [0, 0], 0)
    two, three = scipy.special.softmax([0, 1]), scipy.special.softmax([0, 1, 2])
    np.testing.assert_allclose(unequal.entropy, [scipy.stats.entropy(two), scipy.stats.entropy(three)], atol=1e-6)
    assert unequal.entropy[0] == pytest.approx(0.582203, abs=1e-6)


@pytest.mark.parametrize("row", [[3e38, -3e38, 0], [1e-45, 0, -1e-45], [0.0, -0.0, 0.0], [65504, -65504, 0]])
def test_extreme_values_stay_finite_and_true(row: list[float]) -> None:
    found = likelihood.token_statistics(np.array([row], np.float32), [0], top_k=3)
    exact = torch.log_softmax(torch.tensor([row], dtype=torch.float32).double(), -1)[0]
    assert found.logprob[0] == pytest.approx(float(exact[0]), abs=1e-6)
    assert found.entropy[0] == pytest.approx(float(-(exact.exp() * exact).sum()), abs=1e-6)
    assert found.rank[0] == 1


def test_null_targets_vocabulary_of_one_and_empty_traces() -> None:
    null = likelihood.token_statistics(np.zeros((2, 3), np.float32), [likelihood.NO_TARGET, 1])
    assert np.isnan(null.logprob[0]) and np.isnan(null.mass_above[0]) and null.rank[0] == 0
    assert np.isnan(null.surprise_excess[0])
    assert null.entropy[0] == null.entropy[1] > 1 and null.rank[1] == 2
    single = likelihood.token_statistics(np.array([[7.0]]), [0])
    assert (single.logprob[0], single.entropy[0], single.rank[0], single.mass_above[0]) == (0, 0, 1, 0)
    empty = likelihood.token_statistics(np.zeros((0, 5), np.float32), np.zeros(0, int))
    assert empty.logprob.shape == (0,) and empty.top_ids.shape == (0, 5)


@pytest.mark.parametrize(
    ("logits", "targets", "top_k", "message"),
    [
        (np.zeros(3, np.float32), [0], 1, "token, vocabulary"),
        (np.zeros((1, 0), np.float32), [0], 1, "at least one entry"),
        (np.zeros((1, 3), np.int32), [0], 1, "floating point"),
        (np.zeros((2, 3), np.float32), [0], 1, "need 2 targets"),
        (np.zeros((1, 3), np.float32), [3], 1, "below 3"),
        (np.zeros((1, 3), np.float32), [-2], 1, "below 3"),
        (np.zeros((1, 3), np.float32), [0], -1, "0 or more"),
        (np.array([[0, np.nan]], np.float32), [0], 1, "token 0 contain NaN"),
        (np.array([[0, 1], [0, np.inf]], np.float32), [0, 0], 1, "token 1 contain"),
        (np.full((1, 2), -np.inf, np.float32), [0], 1, "only -inf"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(
    logits: np.ndarray, targets: list[int], top_k: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        likelihood.token_statistics(logits, targets, top_k)


def test_log_softmax_equals_torch_and_refuses_nan() -> None:
    logits = np.random.default_rng(3).standard_normal((2, 3, 100)) * 20
    logits[0, 0, 5] = -np.inf
    np.testing.assert_allclose(
        likelihood.log_softmax(logits), torch.log_softmax(torch.tensor(logits), -1), atol=1e-12
    )
    for bad in (np.float64(1), np.zeros((2, 0)), [np.nan, 1], [-np.inf, -np.inf]):
        with pytest.raises(ValueError, match=r"vocabulary|unusable"):
            likelihood.log_softmax(bad)
    with pytest.raises(ValueError, match="one row"):
        likelihood.top_k([np.nan, 1], 1)


def test_conversions_by_hand() -> None:
    np.testing.assert_array_equal(likelihood.surprisal_bits([0, -np.log(2), -np.inf]), [0, 1, np.inf])
    np.testing.assert_allclose(likelihood.surprise_excess([-3.0, -0.5], [1.0, 2.0]), [2, -1.5])


def test_reads_the_logits_without_copying_them() -> None:
    logits, targets = gpt2_like(64)
    tracemalloc.start()
    likelihood.token_statistics(logits, targets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * logits.nbytes
