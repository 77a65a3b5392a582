"""The logit lens against scipy and torch; runs in CPython."""

import numpy as np
import pytest
import scipy.stats
import torch

from pyscripts.metrics import lens
from pyscripts.metrics.likelihood import NO_TARGET


def test_equals_scipy_and_torch() -> None:
    logits = np.random.default_rng(5).standard_normal((5, 300)).astype(np.float32) * 5
    found = lens.read(logits, target=42, top_k=4)
    p = torch.softmax(torch.tensor(logits).double(), -1).numpy()  # [layer, vocabulary]
    expected = [scipy.stats.entropy(p[-1], layer) for layer in p]  # KL(final || layer)
    np.testing.assert_allclose(found.divergence, expected, atol=1e-12)
    assert found.divergence[-1] == 0
    np.testing.assert_allclose(found.logprob, np.log(p[:, 42]), atol=1e-6)
    np.testing.assert_array_equal(found.rank, (p > p[:, [42]]).sum(1) + 1)
    np.testing.assert_array_equal(found.top_ids, torch.tensor(logits).topk(4).indices)
    np.testing.assert_allclose(found.entropy, scipy.stats.entropy(p, axis=1), atol=1e-6)


def test_over_a_text_is_the_same_as_position_by_position() -> None:
    draw = np.random.default_rng()
    logits = (draw.standard_normal((4, 6, 300)) * 5).astype(np.float32)  # [layer, row, vocabulary]
    logits[1, 2, 7] = logits[3, 2, 7] = -np.inf
    logits[2, 3, 9] = -np.inf
    final, targets = logits[3], [*draw.integers(0, 300, 5).tolist(), NO_TARGET]
    found = dict(zip(lens.OVER_TEXT, lens.over_text(logits[:3], final, targets), strict=True))
    for row, target in enumerate(targets):
        alone = lens.read(logits[:, row], target)
        np.testing.assert_allclose(found["divergence"][:, row], alone.divergence, atol=1e-4)
        np.testing.assert_allclose(found["logprob"][:, row], alone.logprob, atol=1e-5)
        expected = np.full(4, np.nan) if target == NO_TARGET else alone.rank
        np.testing.assert_array_equal(found["rank"][:, row], expected)
    assert np.isinf(found["divergence"][2, 3]), "the layer leaves out what the model can say"


def test_divergence_by_hand() -> None:
    found = lens.read(np.log([[0.25, 0.75], [0.5, 0.5]]), target=1)
    np.testing.assert_allclose(found.divergence, [0.5 * np.log(2) + 0.5 * np.log(2 / 3), 0], atol=1e-12)


def test_impossible_tokens_and_unknown_target() -> None:
    found = lens.read(np.array([[0, -np.inf], [0, 0], [-np.inf, 0]], np.float32))
    np.testing.assert_allclose(found.divergence, [np.inf, np.log(2), 0])
    assert np.isnan(found.logprob).all() and (found.rank == 0).all()
    shifted = lens.read(np.array([[7, 9]], np.float32) + 1000)
    assert shifted.divergence[0] == 0


def test_bad_input() -> None:
    for logits, target, message in (
        (np.zeros(3), 0, "layer, vocabulary"),
        (np.zeros((0, 3)), 0, "layer, vocabulary"),
        (np.zeros((1, 3)), 3, "below 3"),
        (np.full((1, 3), np.nan), 0, "unusable"),
    ):
        with pytest.raises(ValueError, match=message):
            lens.read(logits, target)
