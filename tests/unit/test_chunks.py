"""How many tokens a forward pass reads: at most 64, and 64 MB of outputs, by hand; chunks.js in Node."""

import pytest

from tests.unit import page_module
from tests.unit.page_texts import NODE


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_a_pass_reads_as_many_tokens_as_its_outputs_have_room() -> None:
    """A position has logits, each head's attention, and the hidden states before and after each layer with what both of
    its parts add: 4 · 16 · (999,000 + 16 + 4 · 246) bytes are 64 MB, and 4 · 16 · (993,204 + 6 · 1,016 + 7 · 100)."""
    small = {"layers": 12, "heads": 12, "hidden_size": 768, "vocab_size": 50257}
    flat = {"layers": 1, "heads": 1, "hidden_size": 246, "vocab_size": 999_000}
    deep = {"layers": 2, "heads": 3, "hidden_size": 100, "vocab_size": 993_204}
    cases = [
        (small, 0, 500, 64), (small, 0, 63, 63), (small, 900, 1, 1),
        (flat, 0, 500, 16), (flat, 1, 500, 15), (flat, 0, 5, 5),
        (deep, 1000, 500, 16), (deep, 1001, 500, 15),
        ({**flat, "vocab_size": 20_000_000}, 0, 500, 1),
    ]  # fmt: skip
    calls = [["chunkLength", manifest, past, left] for manifest, past, left, _ in cases]
    assert page_module.call("shared/chunks.js", *calls) == [expected for *_, expected in cases]
