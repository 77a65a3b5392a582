"""Whole-text numbers against hand-worked cases and transformers' loss; runs in CPython."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from pyscripts.metrics import text
from pyscripts.metrics.likelihood import token_statistics

HALF = -np.log(2)


def test_summary_by_hand() -> None:
    # "né" is 3 bytes; the tokens are n, the two bytes of é apart, and "!".
    found = text.summary([HALF, 2 * HALF, 3 * HALF, 2 * HALF], "né!".encode(), [(0, 1), (1, 2), (2, 3), (3, 4)])
    assert (found.tokens, found.total_tokens, found.scored_tokens) == (4, 4, 4)
    assert found.mean_logprob == pytest.approx(2 * HALF)
    assert found.std_logprob == pytest.approx(-HALF / np.sqrt(2))
    assert found.perplexity == pytest.approx(4)
    assert found.bits_per_byte == pytest.approx(2)
    assert found.bits_per_character == pytest.approx(8 / 3)


def test_nulls_do_not_count() -> None:
    found = text.summary([np.nan, 3 * HALF], "ab😀".encode(), [(0, 2), (2, 6)])
    assert (found.tokens, found.scored_tokens) == (2, 1)
    assert text.summary([np.nan, 3 * HALF], "ab😀".encode(), [(0, 2), (2, 6)], total=7).total_tokens == 7
    assert (found.bits_per_byte, found.bits_per_character) == pytest.approx((0.75, 3))
    empty = text.summary([], b"", [])
    assert empty.tokens == 0 and np.isnan(empty.perplexity) and np.isnan(empty.bits_per_byte)


def test_impossible_and_bytes_without_tokens() -> None:
    impossible = text.summary([-np.inf, -1.0], b"ab", [(0, 1), (1, 2)])
    assert impossible.perplexity == np.inf and impossible.mean_logprob == -np.inf
    assert np.isnan(impossible.std_logprob)
    assert np.isnan(text.summary([-1.0], b"a", [(0, 0)]).bits_per_byte)


def test_perplexity_is_that_of_transformers_loss() -> None:
    torch.manual_seed(1)
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, n_positions=16, vocab_size=20)).eval()
    ids = torch.tensor([[3, 1, 4, 1, 5, 9]])
    with torch.no_grad():
        out = model(ids, labels=ids)
    found = token_statistics(out.logits[0, :-1].numpy(), ids[0, 1:].numpy())
    spans = [(i, i + 1) for i in range(5)]
    assert text.summary(found.logprob, b"abcde", spans).perplexity == pytest.approx(
        float(out.loss.exp()), rel=1e-5
    )


def test_a_text_that_ends_inside_a_character_is_counted_by_its_own_bytes() -> None:
    """U+FFFD, which stands for the cut flamingo in the text, has 3 bytes; its token has 2."""
    found = text.summary([HALF, 3 * HALF], b"ab\xf0\x9f", [(0, 2), (2, 4)])
    assert (found.bits_per_byte, found.bits_per_character) == pytest.approx((4 / 4, 4 / 3))


@given(st.lists(st.one_of(st.none(), st.floats(-20, 0)), max_size=60))
def test_strip(values: list[float | None]) -> None:
    logprob = np.array([np.nan if v is None else v for v in values], np.float64)
    found = text.strip(logprob, -logprob / 2)
    np.testing.assert_array_equal(found.entropy_nats, -logprob / 2)
    np.testing.assert_array_equal(found.surprisal_nats, -logprob)
    for i in range(len(values)):
        near = -logprob[max(0, i - 7) : i + 8]
        expected = np.nanmean(near) if (~np.isnan(near)).any() else np.nan
        assert found.smooth_surprisal_nats[i] == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert found.highest_nats == max([1.0, *(-logprob[~np.isnan(logprob)])])


def test_lists_of_surprises_and_of_what_was_easier_than_expected() -> None:
    logprob = np.array([np.nan, -1.0, -9.0, -0.5, -9.0])
    entropy = np.array([np.nan, 4.0, 2.0, 0.1, 9.5])
    np.testing.assert_array_equal(text.top_surprises(logprob, [0, 2, 9, 3, 8], 3), [2, 4, 1])
    np.testing.assert_array_equal(text.top_surprises(logprob, [0, 2, 9, 3, 1], 3), [2, 1, 3])
    np.testing.assert_array_equal(text.less_surprising_than_expected(logprob, entropy, [0, 1, 9, 1, 1], 3), [1, 4])
    # token 4 is less surprising than expected, but the model ranked 30 others before it
    np.testing.assert_array_equal(text.less_surprising_than_expected(logprob, entropy, [0, 1, 9, 1, 31], 3), [1])
    assert text.top_surprises([], [], 3).shape == (0,)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="log-probabilities"):
        text.summary([-1.0], b"ab", [(0, 1), (1, 2)])
    for spans in ([(0, 3)], [(1, 0)], [(-1, 1)]):
        with pytest.raises(ValueError, match="inside the text"):
            text.summary([-1.0], b"ab", spans)
    with pytest.raises(ValueError, match="byte offsets"):
        text.summary([-1.0], b"ab", [0, 1, 2])
    with pytest.raises(ValueError, match="two arrays"):
        text.strip([-1.0], [1.0, 2.0])
