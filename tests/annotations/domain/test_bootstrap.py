"""Intervals of means."""

import numpy as np
import pytest

from annotations.domain.bootstrap import InvalidResampling, mean_interval


def test_the_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=400)
    found = mean_interval(values=values, rng=np.random.default_rng(1))
    assert found.value == pytest.approx(values.mean())
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.06)
    assert found.count == 400


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.array([1.0, 2, np.nan, 4])
    first = mean_interval(values=values, rng=np.random.default_rng(5))
    assert first == mean_interval(values=values, rng=np.random.default_rng(5))
    assert first.count == 3


def test_too_few_people_have_no_interval() -> None:
    rng = np.random.default_rng(0)
    nobody = mean_interval(values=np.array([np.nan]), rng=rng)
    assert nobody.value is None
    assert "Nobody" in nobody.reason
    one = mean_interval(values=np.array([2.0]), rng=rng)
    assert (one.value, one.low, one.high) == (2.0, None, None)
    assert "One person" in one.reason


def test_bad_parameters_are_named() -> None:
    with pytest.raises(InvalidResampling, match="bootstraps is 0"):
        mean_interval(values=np.ones(3), rng=np.random.default_rng(0), bootstraps=0)
