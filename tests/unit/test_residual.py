"""Residual-stream numbers against torch and a real GPT-2 with hooks; runs in CPython."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from pyscripts.metrics import residual


def states(layers: int = 4, tokens: int = 6, seed: int = 0) -> np.ndarray:
    """[layer, token, hidden]"""
    return np.random.default_rng(seed).standard_normal((layers, tokens, 16)).astype(np.float32) * 30


def test_norms_and_changes_equal_torch() -> None:
    x = states()
    exact = torch.tensor(x, dtype=torch.float64)
    np.testing.assert_allclose(residual.norms(x), torch.linalg.vector_norm(exact, dim=-1))
    np.testing.assert_allclose(residual.norms(list(x)), residual.norms(x))
    found = residual.changes(x)
    np.testing.assert_allclose(found.norm, torch.linalg.vector_norm(exact.diff(dim=0), dim=-1))
    np.testing.assert_allclose(found.cosine, torch.cosine_similarity(exact[1:], exact[:-1], dim=-1))


def test_unnormed_is_the_stream_before_the_final_norm() -> None:
    torch.manual_seed(0)
    config = GPT2Config(n_layer=3, n_head=2, n_embd=16, n_positions=32, vocab_size=50)
    model = GPT2LMHeadModel(config).eval()
    attention, mlp, before = [], [], []
    for block in model.transformer.h:
        block.attn.register_forward_hook(lambda _, __, out: attention.append(out[0][0].numpy()))
        block.mlp.register_forward_hook(lambda _, __, out: mlp.append(out[0].numpy()))
    model.transformer.ln_f.register_forward_pre_hook(lambda _, args: before.append(args[0][0].numpy()))
    with torch.no_grad():
        out = model(torch.tensor([[1, 2, 3, 4, 5]]), output_hidden_states=True)
    hidden = [state[0].numpy() for state in out.hidden_states]
    rebuilt = residual.unnormed(hidden, attention, mlp)
    np.testing.assert_allclose(rebuilt[-1], before[0], atol=1e-6)
    assert np.abs(rebuilt[-1] - hidden[-1]).max() > 0.1
    changed = residual.changes(rebuilt).norm
    np.testing.assert_allclose(
        changed, residual.norms([a + m for a, m in zip(attention, mlp, strict=True)]), rtol=1e-4
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 5), st.integers(1, 8), st.integers(0, 99), st.floats(0.125, 8))
def test_scaling_and_permutation(layers: int, tokens: int, seed: int, scale: float) -> None:
    x = states(layers, tokens, seed).astype(np.float64)
    base, scaled = residual.changes(x), residual.changes(x * scale)
    np.testing.assert_allclose(scaled.norm, base.norm * scale)
    np.testing.assert_allclose(scaled.cosine, base.cosine, atol=1e-12)
    assert (np.abs(base.cosine) <= 1).all()
    order = np.random.default_rng(seed).permutation(tokens)
    np.testing.assert_array_equal(residual.norms(x[:, order]), residual.norms(x)[:, order])


def test_extremes() -> None:
    half = np.full((1, 1, 1000), 60000, np.float16)
    np.testing.assert_allclose(residual.norms(half), [[60000 * np.sqrt(1000)]], rtol=1e-3)
    huge = np.full((1, 1, 2), 3e38, np.float32)
    np.testing.assert_allclose(residual.norms(huge), [[3e38 * np.sqrt(2)]], rtol=1e-6)
    assert residual.norms(np.zeros((2, 0, 4), np.float32)).shape == (2, 0)
    still = residual.changes(np.zeros((2, 1, 4), np.float32))
    assert still.norm[0, 0] == 0 and np.isnan(still.cosine[0, 0])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="layer, token, hidden"):
        residual.norms(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="layer, token, hidden"):
        residual.norms([np.zeros((2, 3)), np.zeros((1, 3))])
    with pytest.raises(ValueError, match="layer 1 contain NaN"):
        residual.norms([np.zeros((1, 3)), np.full((1, 3), np.nan)])
    with pytest.raises(ValueError, match="before and after"):
        residual.changes(np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="one layer longer"):
        residual.unnormed(np.zeros((2, 2, 3)), np.zeros((2, 2, 3)), np.zeros((1, 2, 3)))
