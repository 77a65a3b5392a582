"""Direct logit attribution in numpy, on numbers worked out by hand; its rank correlation against scipy."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from pyscripts.metrics import attribution
from pyscripts.metrics.likelihood import log_softmax, logprobs_of


def recorded(**changes: Any) -> attribution.Recorded:
    """One layer with two heads, hidden size 2, at position 1."""
    values: dict[str, Any] = {
        "position": 1,
        "embedding": np.array([1.0, 0.0]),
        "attention_output": np.array([[2.0, 1.0]]),
        "mlp_output": np.array([[0.0, 3.0]]),  # the residual stream is then [3, 4]
        "attentions": np.array([[[0.25, 0.75], [1.0, 0.0]]]),
        "direct": np.array([[[[4.0, 0.0], [0.5, 9.0]]]]),
        "rows": np.array([[1.0, 2.0]]),
        "constants": np.array([0.125]),
        "logits": np.array([11 / np.sqrt(12.5) + 0.125]),
    }
    return attribution.Recorded(**{**values, **changes})


MANIFEST = {"final_norm": {"kind": "rms", "epsilon": 0.0}, "logit_softcap": None, "outputs": {"direct": ["d"]}}


def test_every_part_by_hand() -> None:
    found = attribution.attribute(recorded(), MANIFEST)
    size = np.sqrt((9 + 16) / 2)
    assert found.embedding == pytest.approx(1 / size)
    assert_allclose(found.heads, [[1 / size, 0.5 / size]])  # 0.25 · 4; 1 · 0.5
    assert_allclose(found.attention_bias, [(4 - 1.5) / size])  # [2, 1] · [1, 2] = 4, of which heads are 1.5
    assert_allclose(found.mlp, [6 / size])
    assert_allclose(found.sources[0], [[1 / size, 0], [0.5 / size, 0]])
    assert found.total == pytest.approx(found.logit)
    kinds = [part["kind"] for part in found.parts(bias=True)]
    assert kinds == ["embedding", "head", "head", "attention_bias", "mlp", "norm_bias"]


def test_the_difference_of_two_tokens() -> None:
    rows, direct = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[[[4.0, 0.0], [0.5, 9.0]], [[1.0, 1.0], [1.0, 1.0]]]])
    both = recorded(rows=rows, direct=direct, constants=np.array([0.125, 1.0]), logits=np.array([5.0, 3.0]))
    found = attribution.attribute(both, MANIFEST)
    size = np.sqrt(12.5)
    assert found.logit == 2
    assert found.norm_bias == pytest.approx(-0.875)
    assert found.embedding == pytest.approx(1 / size)
    assert_allclose(found.mlp, [3 / size])
    assert_allclose(found.sources[0], [[0.25 * 3 / size, -0.75 / size], [-0.5 / size, 0]])


def test_what_an_intervention_added_is_a_part_of_its_own() -> None:
    added = np.array([[1.0, 0.0], [0.0, 2.0]])  # the embedding given out has the first in it already
    found = attribution.attribute(recorded(added=added), MANIFEST)
    size = np.sqrt((9 + 36) / 2)
    assert found.embedding == pytest.approx(0)
    assert found.added == pytest.approx((1 + 4) / size)
    assert {"kind": "added", "layer": None, "head": None, "value": found.added} in found.parts(bias=False)


def test_scales_of_both_norms() -> None:
    state = np.random.default_rng(0).normal(size=50) + 3
    assert attribution.scale(state, {"kind": "layer", "epsilon": 0.5}) == pytest.approx(np.sqrt(state.var() + 0.5))
    assert attribution.scale(state, {"kind": "rms", "epsilon": 0}) == pytest.approx(np.linalg.norm(state) / np.sqrt(50))


def test_a_soft_cap_is_taken_off() -> None:
    values = np.array([-12.0, 3.0, 29.0])
    assert_allclose(attribution.uncapped(30 * np.tanh(values / 30), 30.0), values, rtol=1e-9)


def test_contribution_weights_share_out_the_output() -> None:
    """Two heads, three keys, hidden size 4, no bias: shares of what the layer's attention added sum to 1."""
    generator = np.random.default_rng(1)
    attention = generator.dirichlet(np.ones(3), size=(1, 2))  # [layer, head, key]
    moved = generator.normal(size=(1, 2, 3, 4))  # what each head would add from each key
    output = (attention[..., None] * moved).sum(axis=(1, 2))  # [layer, hidden]
    direct = moved @ output[0]
    found = attribution.contribution_weights(attention, direct, output)
    assert found.sum() == pytest.approx(1)
    unit = output[0] / np.linalg.norm(output[0])
    assert_allclose(found[0, 1, 2], attention[0, 1, 2] * (moved[0, 1, 2] @ unit) / np.linalg.norm(output[0]))


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.integers(0, 6, 30), generator.normal(size=30)  # with ties, and without
    assert attribution.rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert np.isnan(attribution.rank_correlation(np.ones(30), b))
    assert np.isnan(attribution.rank_correlation(a[:2], b[:2]))


def test_logprobs_of_a_few_ids() -> None:
    logits = np.random.default_rng(2).normal(size=(4, 1000)).astype(np.float32) * 20
    assert_allclose(logprobs_of(logits, [5, 999, 5]), log_softmax(logits)[:, [5, 999, 5]], atol=1e-5)


def test_a_model_without_the_outputs_says_so() -> None:
    with pytest.raises(ValueError, match="Tiny was exported without attribution"):
        attribution.attribute(recorded(), {"outputs": {}, "name": "Tiny"})
