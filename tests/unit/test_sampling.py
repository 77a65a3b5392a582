"""Sampling against transformers' logits processors, in their order; runs in CPython."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, LogitsProcessorList
from transformers.generation import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from pyscripts.decoding.sampling import MOST_SORTED, Settings, distribution, sample

PROMPT, GENERATED = [3, 7, 7, 100], [9, 3, 9]


def logits_of(vocabulary: int, seed: int) -> np.ndarray:
    """[vocabulary] float64, so that torch and numpy see the same digits."""
    return np.random.default_rng(seed).standard_normal(vocabulary) * 4


def transformers_distribution(logits: np.ndarray, chosen: Settings) -> np.ndarray:
    """[vocabulary] what transformers would sample from."""
    processors = LogitsProcessorList()
    if chosen.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(chosen.repetition_penalty))
    if chosen.temperature != 1:
        processors.append(TemperatureLogitsWarper(chosen.temperature))
    if chosen.top_k:
        processors.append(TopKLogitsWarper(chosen.top_k))
    if chosen.top_p < 1:
        processors.append(TopPLogitsWarper(chosen.top_p))
    if chosen.min_p:
        processors.append(MinPLogitsWarper(chosen.min_p))
    ids = torch.tensor([PROMPT + GENERATED])
    return torch.softmax(processors(ids, torch.tensor(logits)[None].clone()), -1)[0].numpy()


@settings(deadline=None, max_examples=120)
@given(
    st.integers(101, 3000),
    st.integers(0, 10_000),
    st.builds(
        Settings,
        temperature=st.sampled_from([1.0, 0.3, 0.7, 1.5, 5.0]),
        top_k=st.sampled_from([0, 1, 5, 50, 5000]),
        top_p=st.sampled_from([1.0, 0.0, 0.1, 0.5, 0.9, 0.999]),
        min_p=st.sampled_from([0.0, 0.01, 0.2, 1.0]),
        repetition_penalty=st.sampled_from([1.0, 0.8, 1.3, 10.0]),
    ),
)
def test_equals_transformers(vocabulary: int, seed: int, chosen: Settings) -> None:
    logits = logits_of(vocabulary, seed)
    found = distribution(logits, chosen, PROMPT, GENERATED)
    expected = transformers_distribution(logits, chosen)
    np.testing.assert_array_equal(found.sampled > 0, expected > 0)
    np.testing.assert_allclose(found.sampled, expected, atol=1e-12)


@pytest.mark.parametrize("top_p", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("temperature", [0.5, 3.0, 50.0])
def test_the_nucleus_of_a_large_vocabulary(top_p: float, temperature: float) -> None:
    """It is cut in halves before it is sorted."""
    logits, chosen = logits_of(50_257, 7), Settings(temperature=temperature, top_p=top_p)
    expected = transformers_distribution(logits, chosen)
    found = distribution(logits, chosen).sampled
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    equal = distribution(np.zeros(3 * MOST_SORTED), chosen).sampled
    assert np.count_nonzero(equal) == np.count_nonzero(transformers_distribution(np.zeros(3 * MOST_SORTED), chosen))


def test_order_is_that_of_generate() -> None:
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, n_positions=16, vocab_size=120))
    config = GenerationConfig(
        do_sample=True, temperature=0.7, top_k=9, top_p=0.9, min_p=0.05, repetition_penalty=1.2
    )
    processors = model._get_logits_processor(config, input_ids_seq_length=1)
    kinds = [type(p).__name__.replace("LogitsWarper", "").replace("LogitsProcessor", "") for p in processors]
    chosen = Settings(temperature=0.7, top_k=9, top_p=0.9, min_p=0.05, repetition_penalty=1.2)
    steps = distribution(logits_of(120, 1), chosen, PROMPT).steps
    assert kinds == [step.name.title().replace("_", "") for step in steps]


@pytest.mark.parametrize(("size", "top_p", "kept"), [(4, 0.5, 2), (4, 0.51, 3), (4, 0.25, 1), (2, 0.5, 1)])
def test_top_p_leaves_out_as_many_equal_tokens_as_it_may(size: int, top_p: float, kept: int) -> None:
    """Those left out may have all of 1 - top_p, as in transformers; which of equals stay is ours: the lower ids."""
    logits, chosen = np.zeros(size), Settings(top_p=top_p)
    assert np.count_nonzero(transformers_distribution(logits, chosen)) == kept
    np.testing.assert_allclose(distribution(logits, chosen).sampled, [1 / kept] * kept + [0] * (size - kept))


def test_steps_by_hand() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    found = distribution(logits, Settings(top_k=3.0, top_p=0.5, min_p=0.1))  # type: ignore[arg-type] # from JSON
    top_k, top_p, min_p = found.steps
    np.testing.assert_allclose(top_k.probabilities, [4 / 9, 3 / 9, 2 / 9, 0])
    # Least likely first 2/9, then 5/9 > 1/2: only the third goes.
    np.testing.assert_allclose(top_p.probabilities, [4 / 7, 3 / 7, 0, 0])
    np.testing.assert_array_equal(found.sampled, min_p.probabilities)
    assert found.filters() == [
        {"name": "top_k", "kept": 3, "removed_mass": pytest.approx(0.1)},
        {"name": "top_p", "kept": 2, "removed_mass": pytest.approx(2 / 9)},
        {"name": "min_p", "kept": 2, "removed_mass": 0},
    ]


def test_penalties_by_hand() -> None:
    # The OpenAI API's formula: logit - count * penalty, over generated tokens only.
    found = distribution([1.0, 1.0, 1.0], Settings(frequency_penalty=0.5), [0, 0, 0], [2, 2, 1])
    np.testing.assert_allclose(found.sampled, np.exp([1, 0.5, 0]) / np.exp([1, 0.5, 0]).sum())
    found = distribution([2.0, -2.0, 1.0], Settings(repetition_penalty=2.0), [0, 0], [1])
    np.testing.assert_allclose(found.sampled, np.exp([1, -4, 1]) / np.exp([1, -4, 1]).sum())
    assert distribution([2.0, 1.0], Settings(repetition_penalty=2.0, frequency_penalty=1)).steps == ()


def test_greedy_takes_the_first_of_equals() -> None:
    found = distribution([1.0, 5.0, 5.0, -np.inf], Settings(temperature=0, top_k=2, top_p=0.5))
    np.testing.assert_array_equal(found.sampled, [0, 1, 0, 0])
    assert [step.name for step in found.steps] == ["greedy"]
    assert found.filters()[0]["removed_mass"] == pytest.approx(1 - 1 / (2 + np.exp(-4)))
    penalised = distribution([2.0, 1.9], Settings(temperature=0, repetition_penalty=1.5), [0])
    np.testing.assert_array_equal(penalised.sampled, [0, 1])


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(0, 999), st.floats(0.01, 5), st.floats(0, 1), st.floats(0, 1))
def test_masses_sum_to_one_and_filters_only_remove(
    vocabulary: int, seed: int, temperature: float, top_p: float, min_p: float
) -> None:
    logits = logits_of(vocabulary, seed)
    found = distribution(logits, Settings(temperature=temperature, top_p=top_p, min_p=min_p))
    shifted = distribution(logits + 100, Settings(temperature=temperature, top_p=top_p, min_p=min_p))
    np.testing.assert_allclose(shifted.sampled, found.sampled, atol=1e-9)
    before = raw = torch.softmax(torch.tensor(logits), -1).numpy()
    for step, described in zip(found.steps, found.filters(), strict=True):
        assert step.probabilities.sum() == pytest.approx(1)
        assert not (step.probabilities[before == 0] > 0).any()
        assert step.probabilities[raw.argmax()] > 0
        assert described["removed_mass"] == pytest.approx(before[step.logits == -np.inf].sum(), abs=1e-12)
        before = step.probabilities
    assert all(each["kept"] >= 1 and 0 <= each["removed_mass"] <= 1 for each in found.filters())


def test_extremes() -> None:
    single = distribution([3.0], Settings(temperature=0.1, top_k=1, top_p=0.0, min_p=1.0))
    np.testing.assert_array_equal(single.sampled, [1])
    ruled_out = distribution([-np.inf, 0.0, -np.inf], Settings(top_p=0.5, repetition_penalty=2.0), [0])
    np.testing.assert_array_equal(ruled_out.sampled, [0, 1, 0])
    equal = distribution(np.zeros(1000, np.float16), Settings(top_k=3))
    assert equal.filters()[0]["kept"] == 1000  # all as likely as the third, as in transformers
    cold = distribution([1.0, 0.0, -3e38], Settings(temperature=1e-300))
    np.testing.assert_array_equal(cold.sampled, [1, 0, 0])
    assert distribution(logits_of(50257, 0), Settings(top_p=0.9)).sampled.sum() == pytest.approx(1)


def test_sampling_follows_the_distribution_and_the_seed() -> None:
    p = np.array([0.5, 0.0, 0.3, 0.2])
    drawn = [sample(p, seed, step) for seed in range(40) for step in range(50)]
    counts = np.bincount(drawn, minlength=4)
    assert counts[1] == 0
    assert scipy.stats.chisquare(counts[[0, 2, 3]], 2000 * p[[0, 2, 3]]).pvalue > 1e-3
    assert [sample(p, 7, i) for i in range(50)] == [sample(p, 7, i) for i in range(50)]
    assert [sample(p, 7, i) for i in range(50)] != [sample(p, 8, i) for i in range(50)]
    uniform = np.random.Generator(np.random.PCG64([7, 3])).random()
    assert sample(p, 7, 3) == (0 if uniform < 0.5 else 2 if uniform < 0.8 else 3)
    assert sample([0, 0, 1e-320], 1, 1) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("temperature", np.nan),
        ("top_k", -1),
        ("top_k", 1.5),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("repetition_penalty", 0),
        ("frequency_penalty", np.inf),
    ],
)
def test_settings_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_bad_input() -> None:
    for logits, ids, message in (
        ([[1.0]], [], "one row"),
        ([1.0, np.nan], [], "unusable"),
        ([], [], "vocabulary"),
        ([1.0, 2.0], [2], "0 ... 1"),
    ):
        with pytest.raises(ValueError, match=message):
            distribution(logits, Settings(), ids)
    for p, seed, step in (
        ([0, 0], 1, 1),
        ([-1, 2], 1, 1),
        ([np.nan], 1, 1),
        ([], 1, 1),
        ([1], -1, 0),
        ([1], 0, -1),
    ):
        with pytest.raises(ValueError, match=r"probabilities|seed"):
            sample(p, seed, step)
