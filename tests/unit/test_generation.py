"""How one token was chosen: settings from the options, and the recorded step, against cases worked out by hand."""

import math

import numpy as np
import pytest

from pyscripts.decoding.generation import Candidates, describe, settings_from
from pyscripts.decoding.sampling import Settings, distribution
from pyscripts.metrics.likelihood import token_statistics

LOGITS = np.log([0.1, 0.4, 0.4, 0.05, 0.05])


def test_options_become_settings_and_greedy_is_temperature_zero() -> None:
    options = {"temperature": 0.5, "topK": 3, "topP": 0.9, "minP": 0.1, "repetitionPenalty": 1.2,
               "frequencyPenalty": 0.3, "maxTokens": 9, "seed": 4}
    assert settings_from(options) == Settings(0.5, 3, 0.9, 0.1, 1.2, 0.3)
    assert settings_from({**options, "greedy": True}) == Settings(0, 3, 0.9, 0.1, 1.2, 0.3)
    assert settings_from({"topK": None, "greedy": False}) == Settings()


@pytest.mark.parametrize(("options", "said"), [
    ({"topK": "3"}, "top_k must be a number, not '3'"), ({"temperature": True}, "temperature must be a number"),
    ({"topP": 1.5}, "top_p must be between 0 and 1, not 1.5"), ({"temperature": math.nan}, "temperature must be"),
])  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings_from(options)


def test_a_step_by_hand() -> None:
    """Top-k 2 of probabilities .1 .4 .4 .05 .05: two tokens at one half each are left, three with .2 go."""
    step = describe(distribution(LOGITS, Settings(top_k=2)), 2, token_statistics([LOGITS], [2], 4))
    assert step.id == 2 and step.rank == 2  # the tie goes to the lower id
    assert step.raw.ids.tolist() == [1, 2, 0, 3] and step.sampled.ids.tolist() == [1, 2]
    np.testing.assert_allclose(step.raw.probabilities, [0.4, 0.4, 0.1, 0.05])
    np.testing.assert_allclose(step.sampled.probabilities, [0.5, 0.5])
    assert step.raw_probability == pytest.approx(0.4) and step.sampled_probability == pytest.approx(0.5)
    assert step.entropy == pytest.approx(-0.8 * math.log(0.4) - 0.1 * math.log(0.1) - 0.1 * math.log(0.05))
    assert step.sampled_entropy == pytest.approx(math.log(2))
    assert step.filters == [{"name": "top_k", "kept": 2, "removed_mass": pytest.approx(0.2)}]


def test_without_filters_both_distributions_are_one() -> None:
    step = describe(distribution(LOGITS, Settings()), 3, token_statistics([LOGITS], [3], 2))
    assert step.sampled is step.raw and step.filters == [] and step.rank == 4
    assert step.sampled_entropy == step.entropy and step.sampled_probability == step.raw_probability


def test_tokens_that_cannot_be_drawn_are_no_candidates() -> None:
    best = Candidates.of(np.array([0.0, 0.7, 0.0, 0.3]), 4)
    assert best.ids.tolist() == [1, 3] and best.probabilities.tolist() == [0.7, 0.3]
