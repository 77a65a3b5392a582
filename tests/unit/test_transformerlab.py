"""Transformer Lab's numbers against its own operations in torch; runs in CPython."""

import numpy as np
import pytest
import torch

from pyscripts.metrics import transformerlab
from tests.unit.test_attention import causal


@pytest.mark.parametrize(("temperature", "top_p"), [(0.7, 1.0), (0.7, 0.9), (1.3, 0.3), (0, 1.0), (0, 0.5)])
def test_predictions(temperature: float, top_p: float) -> None:
    logits = np.random.default_rng(2).standard_normal(500) * 3
    model_logits = torch.tensor(logits)[None].clone()  # [batch, vocabulary]
    scores = model_logits / temperature if temperature > 0 else model_logits
    if top_p < 1:
        ordered, order = torch.sort(scores, descending=True)
        remove = torch.cumsum(torch.softmax(ordered, -1), -1) > top_p
        remove[..., 1:] = remove[..., :-1].clone()
        remove[..., 0] = False
        scores[0, order[remove]] = -torch.inf
    probability, ids = torch.topk(torch.softmax(scores, -1)[0], 5)
    found = transformerlab.top_predictions(logits, temperature, top_p)
    np.testing.assert_allclose(found.probability, probability, atol=1e-12)
    alive = probability.numpy() > 0  # the order among tokens of probability 0 is arbitrary
    np.testing.assert_array_equal(found.ids[alive], ids[alive])
    np.testing.assert_array_equal(found.logit[alive], model_logits[0, ids][alive])


def test_activations() -> None:
    states = torch.randn(4, 3, 8, generator=torch.Generator().manual_seed(0))  # [layer + 1, token, hidden]
    expected = torch.linalg.vector_norm(states[:, -1], ord=2, dim=-1)
    np.testing.assert_allclose(transformerlab.activations(list(states.numpy())), expected, rtol=1e-6)


def test_attention_entropy() -> None:
    rows = torch.tensor(causal(3, 12))
    last = rows[:, -1]
    expected = -torch.sum(last * torch.log(last + 1e-9), dim=-1).mean()
    found = transformerlab.attention_entropy([rows.numpy(), np.full((3, 12, 12), np.nan)])
    assert found[0] == pytest.approx(float(expected), abs=1e-5)
    assert found[1] == 0


def test_small_vocabulary_and_bad_input() -> None:
    assert len(transformerlab.top_predictions([1.0, 2.0]).ids) == 2
    with pytest.raises(ValueError, match="one row"):
        transformerlab.top_predictions([[1.0]])
