"""Linus Lee's hue against the formula worked by hand and its edge cases; runs in CPython."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscripts.colour import hue

LOGPROBS = st.lists(st.floats(-100, 0), min_size=1, max_size=60)


def test_worked_by_hand() -> None:
    # mean -4, population std 2: the limits are -9 and 1.
    logprob = [-2.0, -6.0, -2.0, -6.0]
    assert hue.limits(logprob) == pytest.approx((-9, 1))
    np.testing.assert_allclose(hue.hue(logprob), [105, 45, 105, 45])
    assert hue.css([105, 45.04, np.nan]) == ["hsl(105.0 60% 85%)", "hsl(45.0 60% 85%)", "transparent"]


def test_outliers_are_clamped_to_red() -> None:
    logprob = np.array([-1.0] * 30 + [-40.0])
    lo, hi = hue.limits(logprob)
    assert lo > -40
    found = hue.hue(logprob)
    assert found[-1] == 0
    np.testing.assert_allclose(found[0], (-1 - lo) / (hi - lo) * 150)


@given(LOGPROBS)
def test_range_and_order(logprob: list[float]) -> None:
    found = hue.hue(logprob)
    assert ((found >= 0) & (found <= 150)).all()
    order = np.argsort(logprob, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@given(st.floats(-50, 0), st.integers(1, 40))
def test_equal_values_are_75(value: float, count: int) -> None:
    np.testing.assert_array_equal(hue.hue([value] * count), 75)


def test_nulls_stay_null_and_do_not_count() -> None:
    with_null, without = hue.hue([np.nan, -1, -2, -9]), hue.hue([-1, -2, -9])
    assert np.isnan(with_null[0])
    np.testing.assert_array_equal(with_null[1:], without)
    assert np.isnan(hue.hue([np.nan])).all() and np.isnan(hue.limits([])).all()
    assert hue.hue([]).shape == (0,)


def test_an_impossible_token_counts_as_the_least_likely() -> None:
    np.testing.assert_array_equal(hue.hue([-np.inf, -1, -3]), hue.hue([-3, -1, -3]))
    np.testing.assert_array_equal(hue.hue([-np.inf]), [75])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at most 0"):
        hue.hue([0.5])
    with pytest.raises(ValueError, match="must be"):
        hue.hue([[-1.0]])
