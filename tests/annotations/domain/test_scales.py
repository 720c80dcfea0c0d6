"""Scales refuse what they do not have, and utilities use declared bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.scales import (
    InvalidEpsilon,
    InvalidScale,
    OutsideScale,
    Scale,
    ScaleKind,
    scale_from_labels,
    to_utility,
)

FIVE = Scale(kind=ScaleKind.LIKERT, low=1, high=5)


@pytest.mark.parametrize("value", [1, 2.0, 5, None])
def test_legal_values_pass(value: float | None) -> None:
    assert FIVE.check_value(value=value) == value


@pytest.mark.parametrize("value", [0, 5.5, 2.5, math.nan, math.inf, -math.inf])
def test_other_values_are_refused_with_the_numbers(value: float) -> None:
    with pytest.raises(OutsideScale) as caught:
        FIVE.check_value(value=value)
    assert (caught.value.low, caught.value.high) == (1, 5)
    assert "from 1 to 5. Legal: 1, 2, 3, 4, 5 or can't say." in str(caught.value)


def test_cant_say_is_refused_where_it_is_not_offered() -> None:
    scale = Scale(kind=ScaleKind.YES_NO, low=0, high=1, allows_cant_say=False)
    with pytest.raises(OutsideScale, match="Can't say is not on the scale from 0 to 1"):
        scale.check_value(value=None)


def test_a_slider_without_steps_takes_any_number_between() -> None:
    scale = Scale(kind=ScaleKind.SLIDER, low=0, high=1, step=None)
    assert scale.check_value(value=0.123456) == 0.123456
    assert scale.points == ()
    with pytest.raises(OutsideScale, match="any number from 0 to 1"):
        scale.check_value(value=1.01)


def test_decimal_steps_are_not_lost_to_rounding() -> None:
    scale = Scale(kind=ScaleKind.SLIDER, low=0, high=1, step=0.1)
    for value in (0.1, 0.2, 0.3, 0.1 + 0.2, 0.7, 1.0):
        assert scale.check_value(value=value) == value
    assert len(scale.points) == 11


def test_a_very_fine_slider_is_told_without_counting_its_points() -> None:
    scale = Scale(kind=ScaleKind.SLIDER, low=0, high=1e9, step=1e-3)
    with pytest.raises(OutsideScale, match=r"in steps of 0\.001"):
        scale.check_value(value=-1)


def test_labels_are_told_in_the_error() -> None:
    scale = scale_from_labels(kind=ScaleKind.LIKERT, texts=["never", "at times", "always"])
    with pytest.raises(OutsideScale, match=r"1 \(never\), 2 \(at times\), 3 \(always\)"):
        scale.check_value(value=4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 5, "high": 1},
        {"low": 1, "high": math.inf},
        {"low": 1, "high": 5, "step": 3},
        {"low": 1, "high": 5, "step": 0},
        {"low": 1, "high": 5, "step": None},
        {"low": -1e308, "high": 1e308},
        {"low": 1, "high": 5, "step": 5e-324},
        {"low": 0, "high": 1e9, "step": 0.001},
        {"low": 1, "high": 5, "labels": ((6.0, "too much"),)},
        {"kind": ScaleKind.YES_NO, "low": 1, "high": 2},
    ],
)
def test_contradictory_scales_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidScale):
        Scale(**{"kind": ScaleKind.LIKERT, **wrong})  # type: ignore[arg-type]  # wrong on purpose


def test_utilities_by_hand() -> None:
    utilities = FIVE.to_utility(values=[1, 3, 5, np.nan])
    np.testing.assert_allclose(utilities, [0.01, 0.505, 1.0, np.nan])


def test_utilities_refuse_what_is_beyond_the_bounds() -> None:
    with pytest.raises(OutsideScale, match="6 is not on the scale from 1 to 5"):
        to_utility(values=[[1, 6]], low=1, high=5)
    with pytest.raises(InvalidEpsilon, match=r"1\.5"):
        to_utility(values=[1], low=1, high=5, epsilon=1.5)
    with pytest.raises(InvalidScale):
        to_utility(values=[1], low=5, high=5)


@settings(max_examples=40, deadline=None)
@given(ratings=st.lists(st.floats(-3, 7), min_size=2, max_size=20), epsilon=st.floats(0, 0.5))
def test_utilities_keep_the_order_and_the_range(ratings: list[float], epsilon: float) -> None:
    utilities = to_utility(values=ratings, low=-3, high=7, epsilon=epsilon)
    assert utilities.min() >= epsilon - 1e-12
    assert utilities.max() <= 1 + 1e-12
    assert (np.diff(utilities[np.argsort(ratings)]) >= -1e-12).all()
