"""How much of the attention that was computed again is kept, and which layers are dropped first; runs in CPython."""

import numpy as np
import pytest

from pyscripts.page.recomputed_attention import RecomputedAttention


def test_kept_layers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer used longest ago goes; what has just arrived stays, whatever it weighs."""
    monkeypatch.setattr("pyscripts.page.recomputed_attention.LAYER_BYTES", 3 * 200)
    made = RecomputedAttention()
    for layer in range(4):
        made.begin([layer], None)
        made.add(np.zeros((1, 1, 10, 10), np.float32))
        if layer == 2:
            assert made.matrix(0, 0) is not None
        made.finish()
    assert set(made.layers) == {0, 2, 3}
    made.begin([7], None)
    made.add(np.zeros((1, 4, 10, 10), np.float32))
    made.finish()
    assert list(made.layers) == [7]
    made.begin([1], None)
    made.add(np.zeros((1, 1, 5, 5), np.float32))  # overtaken by the next request
    made.begin([8], None)
    made.finish()
    assert 1 not in made.layers
