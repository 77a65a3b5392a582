"""Attention that is reduced a few layers at a time gives what all of it gives, and is never copied as a whole."""

import numpy as np
import pytest

from pyscripts import layers
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.arrays import JavaScriptLayers
from pyscripts.trace import Trace
from tests.unit.test_tokens import Floats

LAYERS, HEADS, POSITIONS, VOCABULARY = 7, 3, 12, 5


class Watched(Floats):
    """Notes how many numbers are copied at once."""

    most = 0

    def subarray(self, start: int, stop: int) -> Floats:
        Watched.most = max(Watched.most, stop - start)
        return super().subarray(start, stop)


def read(together: int, kept: float, monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Two passes of random attention, `together` layers of the second one in a block."""
    one = 4 * HEADS * (POSITIONS // 2) * POSITIONS  # bytes of a layer
    monkeypatch.setattr(layers, "BLOCK_BYTES", together * one)
    draw = np.random.default_rng(5)
    ids = [int(id) for id in draw.integers(0, VOCABULARY, POSITIONS)]
    trace = Trace(ids, ModelShape(LAYERS, HEADS, 4, VOCABULARY), prefix=True, attention_bytes=kept)
    for start, stop in ((0, 6), (6, POSITIONS)):
        attention = np.tril(draw.random((LAYERS, HEADS, stop - start, stop)), start).astype(np.float32)
        attention /= attention.sum(-1, keepdims=True)
        logits = draw.normal(size=(stop - start, VOCABULARY)).astype(np.float32)
        trace.extend(Outputs(logits, JavaScriptLayers(Watched(attention), attention.shape)))
    return trace


@pytest.mark.parametrize("together", [1, 2, 3])
def test_blocks_give_what_the_whole_gives(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(LAYERS, np.inf, monkeypatch)
    Watched.most = 0
    parts = read(together, 0, monkeypatch)
    assert Watched.most == together * HEADS * (POSITIONS // 2) * POSITIONS
    assert whole.kept_attention.complete and not parts.kept_attention.complete
    state = whole.state()
    state.pop("attentions")
    assert parts.state().keys() == state.keys()
    for name, expected in state.items():
        np.testing.assert_array_equal(parts.state()[name], expected, err_msg=name)
