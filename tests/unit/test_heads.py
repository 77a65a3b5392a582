"""Head scores against TransformerLens' detection patterns written in torch; runs in CPython."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.metrics import heads
from tests.unit.test_attention import causal

NAMES = [field.name for field in fields(heads.HeadScores)]


def detection_patterns(ids: list[int]) -> dict[str, torch.Tensor]:
    """TransformerLens' definitions: {name: [query, key]}."""
    tokens = torch.tensor(ids)
    duplicate = torch.tril((tokens[:, None] == tokens).double(), -1)
    induction = torch.tril(torch.roll(duplicate, 1, dims=1))
    induction[:, 0] = 0
    return {
        "duplicate_token": duplicate,
        "induction": induction,
        "previous_token": torch.diag(torch.ones(len(ids) - 1).double(), -1),
    }


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.integers(0, 99))
def test_agrees_with_transformerlens_mul_score(ids: list[int], seed: int) -> None:
    attention = causal(3, len(ids), seed, np.float64)
    found = heads.scores(heads.pattern_mass(attention, ids))
    for name, pattern in detection_patterns(ids).items():
        mul = (torch.tensor(attention) * pattern).sum((1, 2)) / torch.tensor(attention).sum((1, 2))
        share = float((pattern.sum(1) > 0).double().mean())  # of queries that have the pattern
        score = getattr(found, name)
        if share:
            np.testing.assert_allclose(score * share, mul, atol=1e-9)
        else:
            assert np.isnan(score).all()


def test_worked_by_hand() -> None:
    # A B A: at the second A an induction head looks at B, which is also the token before.
    attention = np.array([[[1, 0, 0], [0.75, 0.25, 0], [0.125, 0.625, 0.25]]])
    mass = heads.pattern_mass(attention, [5, 6, 5])
    found = heads.scores(mass)
    assert found.induction[0] == 0.625
    assert found.duplicate_token[0] == 0.125
    assert found.previous_token[0] == pytest.approx((0.75 + 0.625) / 2)
    assert found.first_token[0] == pytest.approx((0.75 + 0.125) / 2)
    assert found.current_token[0] == 0.25
    by_chance = heads.scores(heads.chance([5, 6, 5]))
    assert by_chance.induction == by_chance.duplicate_token == pytest.approx(1 / 3)
    assert by_chance.previous_token == by_chance.first_token == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_windows_by_hand() -> None:
    """A window of 3 over A B C A B: the fourth token cannot see the first A, the fifth sees the C after the first B."""
    ids, nan = [1, 2, 3, 1, 2], np.nan
    found = heads.chance(ids, window=3)
    np.testing.assert_allclose(found.duplicate_token, [nan] * 5)
    np.testing.assert_allclose(found.induction, [nan, nan, nan, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found.first_token, [nan, 1 / 2, 1 / 3, nan, nan])
    np.testing.assert_allclose(found.previous_token, [nan, 1 / 2, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(heads.chance(ids, window=1).previous_token, [nan] * 5)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.one_of(st.none(), st.integers(1, 12)))
def test_chance_is_the_score_of_an_even_head(ids: list[int], window: int | None) -> None:
    position = np.arange(len(ids))
    inside = (position <= position[:, None]) & (position[:, None] - position < (window or len(ids)))  # [query, key]
    even = inside / inside.sum(axis=1, keepdims=True)
    found, expected = heads.pattern_mass(even[None], ids, window=window), heads.chance(ids, window=window)
    for name in NAMES:
        np.testing.assert_allclose(getattr(found, name)[0], getattr(expected, name), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 29), st.integers(0, 99))
def test_chunks_and_permutation_of_heads(ids: list[int], cut: int, seed: int) -> None:
    attention, cut = causal(4, len(ids), seed), min(cut, len(ids))
    whole = heads.pattern_mass(attention, ids)
    first = heads.pattern_mass(attention[:, :cut, :cut], ids[:cut])
    second = heads.pattern_mass(attention[:, cut:], ids, past=cut)
    permuted = heads.scores(heads.pattern_mass(attention[[3, 1, 0, 2]], ids))
    for name in NAMES:
        joined = np.concatenate([getattr(first, name), getattr(second, name)], axis=1)
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-6)  # float32 sums of other lengths
        np.testing.assert_array_equal(
            getattr(permuted, name), getattr(heads.scores(whole), name)[[3, 1, 0, 2]]
        )
        known = joined[~np.isnan(joined)]
        assert ((known >= 0) & (known <= 1 + 1e-6)).all()


def test_scores_tell_the_ideal_heads_apart() -> None:
    ids = heads.repeated_random_ids(np.arange(1000), 20, prefix=0)
    tokens = len(ids)
    ideal = np.zeros((6, tokens, tokens), np.float32)  # [head, query, key]
    for q in range(tokens):
        second = q > 20
        ideal[0, q, q - 19 if second else 0] = 1  # induction
        ideal[1, q, q - 20 if second else 0] = 1  # duplicate
        ideal[2, q, max(q - 1, 0)] = 1
        ideal[3, q, q] = 1
        ideal[4, q, 0] = 1
        ideal[5, q, : q + 1] = 1 / (q + 1)  # uniform: nothing stands out
    found = heads.scores(heads.pattern_mass(ideal, ids))
    above = {name: np.flatnonzero(scores > heads.THRESHOLD).tolist() for name, scores in vars(found).items()}
    assert above == {"induction": [0], "duplicate_token": [1], "previous_token": [2], "current_token": [3],
                     "first_token": [0, 1, 4]}  # where the first two rest before anything repeats


@given(st.integers(1, 60), st.integers(0, 99), st.one_of(st.none(), st.integers(0, 80)))
def test_diagnostic_repeats_different_tokens(length: int, seed: int, prefix: int | None) -> None:
    choices = np.arange(5, 105)
    ids = heads.repeated_random_ids(choices, length, prefix, seed)
    first = 0 if prefix is None else 1
    assert len(ids) == first + 2 * length
    drawn = ids[first : first + length]
    np.testing.assert_array_equal(drawn, ids[first + length :])
    assert len(set(drawn.tolist())) == length and prefix not in drawn and set(drawn) <= set(choices)
    np.testing.assert_array_equal(ids, heads.repeated_random_ids(choices, length, prefix, seed))


def test_edges_and_bad_input() -> None:
    one = heads.scores(heads.pattern_mass(np.ones((2, 1, 1), np.float32), [4]))
    assert all(np.isnan(getattr(one, name)).all() for name in NAMES)
    empty = heads.pattern_mass(np.zeros((2, 0, 0), np.float32), np.zeros(0, int))
    assert empty.induction.shape == (2, 0)
    with pytest.raises(ValueError, match="token ids"):
        heads.pattern_mass(np.ones((1, 1, 1), np.float32), [1, 2])
    with pytest.raises(ValueError, match="cannot be drawn"):
        heads.repeated_random_ids(range(5), 5, prefix=1)
    with pytest.raises(ValueError, match="cannot be drawn"):
        heads.repeated_random_ids(range(5), 0)
