"""Activation patching: what is refused and how it is said, and the grid by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts import patching

LOGITS_A = np.log(np.array([0.5, 0.3, 0.2], np.float32))
LOGITS_B = np.log(np.array([0.1, 0.2, 0.7], np.float32))
B = patching.Stream("sha", (9, 1, 2, 3), 1, {}, np.zeros((2, 4, 2), np.float32), LOGITS_B)
A = replace(B, ids=(9, 1, 5, 3), residual=np.arange(16, dtype=np.float32).reshape(2, 4, 2), logits=LOGITS_A)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "other"}, "A was read with another model"),
        ({"first": 0}, "Only one of the texts was read with a prefix token"),
        ({"ids": (9, 1, 2)}, "A has 2 tokens and B 3. Each position is copied to the same position: change a text"),
        ({"ids": B.ids}, "Both texts are the same"),
    ],
)
def test_what_cannot_be_copied_is_said_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    assert patching.why_not(A, B) is None
    assert words in (patching.why_not(replace(A, **changes), B) or "")
    assert "at most 256 tokens" in (patching.why_not(None, B) or "")


def test_targets() -> None:
    assert patching.targets(A, B, None, None) == [0, 2]
    assert patching.targets(A, replace(B, logits=LOGITS_A), None, None) == [0]
    assert patching.targets(A, B, 1, None) == [1]
    assert patching.targets(A, B, None, 1) == [0, 1]
    with pytest.raises(ValueError, match="compared with itself"):
        patching.targets(A, B, 1, 1)


def test_the_grid_by_hand() -> None:
    """Nothing changes before the token that differs; the stream after the last layer is A's at the last position."""
    assert patching.places(A, B) == [(0, 2), (1, 2), (0, 3), (1, 3)]
    assert_allclose(patching.difference(A, B, 2), [[4, 5], [12, 13]])
    logprobs = np.log([[0.1, 0.7], [0.2, 0.7], [0.4, 0.7], [np.nan, np.nan]])
    found = patching.grid(A, B, [0, 2], logprobs)
    assert_allclose(found[:, :2], 0, atol=0)
    assert_allclose(found[:2, 2], np.log([1, 2]), atol=1e-6)
    assert found[0, 3] == pytest.approx(np.log(4)) and np.isnan(found[1, 3])
    assert found[2, 2] == 0
    assert found[2, 3] == pytest.approx(np.log(0.5 / 0.2) - np.log(0.1 / 0.7))
    changed = {"heads": [{"layer": 0, "head": 0, "scale": 0}]}
    assert patching.begins(replace(A, interventions=changed), B) == 0
