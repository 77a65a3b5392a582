"""Hidden states kept for all or the first positions of a text, against the whole array cut by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.kept_hidden_states import KeptHiddenStates
from pyscripts.trace import Trace
from tests.unit.test_trace import HIDDEN, LAYERS, SHAPE, outputs, read

ONE = 4 * (LAYERS + 1) * HIDDEN  # bytes of a position


@given(chunks=st.lists(st.integers(1, 5), min_size=1, max_size=6), room=st.integers(0, 12), expected=st.integers(0, 20),
       cut=st.integers(0, 20), more=st.integers(1, 5))
def test_keeps_the_first_positions(chunks: list[int], room: int, expected: int, cut: int, more: int) -> None:
    """Whatever the chunks, and after a cut and another text; expected may be wrong."""
    draw = np.random.default_rng([*chunks, room, cut])
    states = draw.normal(size=(LAYERS + 1, sum(chunks), HIDDEN)).astype(np.float32)
    kept, start = KeptHiddenStates(room * ONE + ONE // 2), 0
    for count in chunks:
        kept.append(states[:, start : start + count], expected)
        start += count
    if room:
        np.testing.assert_array_equal(kept.first(), states[:, :room])
        assert kept.complete == (start <= room)
    kept.keep(cut)
    after = draw.normal(size=(LAYERS + 1, more, HIDDEN)).astype(np.float32)
    kept.append(after, expected)
    whole = np.concatenate([states[:, :cut], after], axis=1)
    if room:
        np.testing.assert_array_equal(kept.first(), whole[:, :room])
    assert kept.complete == (whole.shape[1] <= room)


def test_without_a_limit_all_are_kept() -> None:
    kept, states = KeptHiddenStates(float("inf")), np.ones((LAYERS + 1, 3, HIDDEN), np.float32)
    kept.append(states, 5)
    np.testing.assert_array_equal(kept.all(), states)


def test_says_what_is_kept() -> None:
    kept = KeptHiddenStates(2 * ONE)
    with pytest.raises(ValueError, match=r"were not kept: read it with keep=\('resid',\)"):
        kept.first()
    kept.append(np.ones((LAYERS + 1, 3, HIDDEN), np.float32), 3)
    with pytest.raises(ValueError, match="kept for the first 2 positions of this text, which has 3"):
        kept.all()
    assert kept.at(2) is None and np.array_equal(kept.at(1), np.ones((LAYERS + 1, HIDDEN)))  # type: ignore[arg-type]


def test_of_a_text_known_to_be_too_long_only_a_part_is_kept() -> None:
    """And all of a short one after it; one that grows too long keeps what it has."""
    states = np.arange(12 * ONE // 4, dtype=np.float32).reshape(LAYERS + 1, 12, HIDDEN)
    kept = KeptHiddenStates(8 * ONE, 3 * ONE)
    for start in (0, 4, 8):
        kept.append(states[:, start : start + 4], 12)
    np.testing.assert_array_equal(kept.first(), states[:, :3])
    kept.keep(2)
    kept.append(states[:, 2:7], 7)
    np.testing.assert_array_equal(kept.all(), states[:, :7])
    kept.append(states[:, 7:9], 9)
    np.testing.assert_array_equal(kept.first(), states[:, :7])


def test_a_text_that_fills_the_room_takes_no_second_copy() -> None:
    """The buffer has its size from the start, and is the one that is handed out."""
    kept = KeptHiddenStates(1e9)
    kept.append(np.ones((LAYERS + 1, 1, HIDDEN), np.float32), 1000)
    before = kept.first().base
    for _ in range(999):
        kept.append(np.ones((LAYERS + 1, 1, HIDDEN), np.float32), 1000)
    assert kept.first().base is before and kept.all().shape[1] == 1000


def test_a_text_that_is_written_is_copied_now_and_then() -> None:
    """Not at every token, although only the next one is expected."""
    kept, before, copies = KeptHiddenStates(1e9), None, 0
    for count in range(1, 1001):
        kept.append(np.ones((LAYERS + 1, 1, HIDDEN), np.float32), count)
        copies += kept.first().base is not before
        before = kept.first().base
    assert kept.complete and copies < 60


def test_what_is_computed_from_them_is_kept_for_all() -> None:
    ids = [0, 1, 2, 3, 4, 5]
    short, whole = Trace(ids, SHAPE, prefix=True, hidden_bytes=2 * ONE), Trace(ids, SHAPE, prefix=True)
    for trace in (short, whole):
        read(trace, 4)
    assert short.has_hidden_states and not short.kept_hidden_states.complete
    np.testing.assert_array_equal(short.hidden_norm(), whole.hidden_norm())
    assert "hidden_states" in whole.state() and "hidden_states" not in short.state()
    again = Trace(ids, SHAPE, prefix=True)
    again.restore(short.state())
    np.testing.assert_array_equal(again.hidden_norm(), whole.hidden_norm())
    assert not again.kept_hidden_states.complete
    short.restart(ids[:3], 1)  # a short text, of which the first position was read: all of it is kept
    short.extend(outputs(ids[:3], 1, 3))
    np.testing.assert_array_equal(short.kept_hidden_states.first(), whole.hidden_states()[:, :2])


def test_a_run_that_has_no_room_for_them_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, states = KeptHiddenStates(1e9), np.ones((LAYERS + 1, 2, HIDDEN), np.float32)
    kept.append(states, 2)
    with monkeypatch.context() as patched:
        patched.setattr(np, "empty", refuse)
        kept.append(states, 4)
    kept.append(states, 6)
    assert not kept.complete and kept.first().shape[1] == 2


def refuse(*_: object) -> None:
    raise MemoryError
