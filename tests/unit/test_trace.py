"""A trace that keeps what an edit left valid is the trace of the edited text read from its start."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscripts.metrics.likelihood import TokenStatistics
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.trace import Trace

LAYERS, HEADS, HIDDEN, VOCABULARY = 2, 2, 3, 6
SHAPE = ModelShape(LAYERS, HEADS, HIDDEN, VOCABULARY, windows=(None, 3))
TEXT = st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=8)


def outputs(ids: list[int], start: int, stop: int) -> Outputs:
    """What a model would say at positions start ... stop - 1: each depends on the tokens up to it, as in any LM."""
    logits, attentions, states, added, mlp = [], np.zeros((LAYERS, HEADS, stop - start, stop), np.float32), [], [], []
    for place in range(start, stop):
        draw = np.random.default_rng([3, *ids[: place + 1]])
        logits.append(draw.normal(size=VOCABULARY))
        weights = draw.random((LAYERS, HEADS, place + 1))
        weights[1, :, : max(0, place - 2)] = 0  # its window
        attentions[:, :, place - start, : place + 1] = weights / weights.sum(axis=-1, keepdims=True)
        states.append(draw.normal(size=(LAYERS + 1, HIDDEN)))
        added.append(draw.normal(size=(LAYERS, HIDDEN)))
        mlp.append(draw.normal(size=(LAYERS, HIDDEN)))

    def by_layer(rows: list[np.ndarray]) -> np.ndarray:
        return np.stack(rows, axis=1).astype(np.float32)  # [layer, query, hidden]

    return Outputs(np.array(logits, np.float32), attentions, by_layer(states), by_layer(added), by_layer(mlp))


def read(trace: Trace, chunk: int) -> Trace:
    while trace.length < len(trace.ids):
        stop = min(trace.length + chunk, len(trace.ids))
        trace.extend(outputs(trace.ids, trace.length, stop))
    return trace


def everything(trace: Trace) -> dict[str, np.ndarray]:
    statistics = trace.statistics()
    found = {each.name: getattr(statistics, each.name) for each in fields(TokenStatistics)}
    found |= {"hidden": trace.hidden_states(), "norm": trace.hidden_norm(), "attentions": trace.kept_attention.all(),
              "entropy": trace.attention_entropy(), "normalised": trace.attention_entropy(normalised=True),
              "without_sink": trace.attention_entropy(sink=False), "sink": trace.sink_mass(), **trace.contributions()}
    found |= {f"text.{name}": value for name, value in vars(trace.heads_on_text()).items()}
    return found | {f"chance.{name}": value for name, value in vars(trace.heads_by_chance()).items()}


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(TEXT, min_size=2, max_size=4), chunks=st.lists(st.integers(1, 5), min_size=4, max_size=4),
       prefix=st.booleans())
def test_restarting_gives_what_reading_anew_gives(texts: list[list[int]], chunks: list[int], prefix: bool) -> None:
    """Texts one after the other in one trace, each in chunks of its own; begins_word throughout."""
    mask = np.arange(VOCABULARY) % 2 == 0
    front = [0] if prefix else []
    trace = read(Trace([*front, *texts[0]], SHAPE, prefix=prefix, begins_word=mask), chunks[0])
    for text, chunk in zip(texts[1:], chunks[1:], strict=False):
        ids = [*front, *text]
        common = next((i for i, (a, b) in enumerate(zip(ids, trace.ids, strict=False)) if a != b),
                      min(len(ids), len(trace.ids)))
        if common:
            trace.restart(ids, min(common - 1, trace.length))
        else:
            trace = Trace(ids, SHAPE, prefix=prefix, begins_word=mask)
        read(trace, chunk)
        fresh = everything(read(Trace(ids, SHAPE, prefix=prefix, begins_word=mask), len(ids)))
        for name, value in everything(trace).items():
            np.testing.assert_allclose(value, fresh[name], rtol=1e-5, atol=1e-6, err_msg=name)
        assert trace.new_word_after() < 0


def test_what_was_not_read_is_not_there() -> None:
    trace = Trace([0, 1, 2], SHAPE, prefix=True)
    whole = outputs(trace.ids, 0, 3)
    trace.extend(Outputs(whole.logits))
    assert not trace.has_attention and not trace.has_hidden_states and len(trace.statistics().logprob) == 2
    for array in (trace.kept_attention.all, trace.hidden_states, trace.attention_entropy, trace.hidden_norm):
        try:
            array()
        except ValueError as error:
            assert "holds no such numbers" in str(error) or "were not kept" in str(error)
        else:
            raise AssertionError(array)


def test_what_memory_ends_in_the_middle_of_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the chunk's arrays has rows of it, wherever it ended, and the run can go on."""
    ids = [0, 1, 2, 3, 4]
    whole = everything(read(Trace(ids, SHAPE, prefix=True), 5))
    for place in ("pattern_mass", "norms", "changes"):
        trace = read_first(ids)
        before = everything(trace)
        with monkeypatch.context() as patched:
            patched.setattr(f"pyscripts.metrics.{'heads' if place == 'pattern_mass' else 'residual'}.{place}", refuse)
            with pytest.raises(MemoryError):
                trace.extend(outputs(ids, 3, 5))
        for name, value in everything(trace).items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        trace.extend(outputs(ids, 3, 5))
        for name, value in everything(trace).items():
            np.testing.assert_allclose(value, whole[name], rtol=1e-5, atol=1e-6, err_msg=name)


def read_first(ids: list[int]) -> Trace:
    trace = Trace(ids, SHAPE, prefix=True)
    trace.extend(outputs(ids, 0, 3))
    return trace


def refuse(*_: object) -> None:
    raise MemoryError
