"""Reports of quality by hand; none of them decides anything."""

import numpy as np
import pytest

from annotations.domain.quality import (
    InvalidQualityInput,
    instructed_items,
    self_agreement,
    speed,
    straight_lining,
)


def test_runs_are_counted_and_cant_say_ends_them() -> None:
    found = straight_lining(values=[3, 3, 3, np.nan, 3, 3, 4, 4, 4, 4], flag_run=4)
    assert (found.longest_run, found.flagged, found.ratings) == (4, True, 9)
    assert found.modal_share.value == pytest.approx(5 / 9)
    assert not straight_lining(values=[3, 3, 3, np.nan, 3, 3], flag_run=4).flagged


def test_a_juror_who_said_nothing_has_reasons() -> None:
    assert straight_lining(values=[]).modal_share.reason
    assert straight_lining(values=[np.nan, np.nan]).longest_run == 0
    assert speed(seconds=[], fast_seconds=2).median_seconds.reason
    assert self_agreement(first=[np.nan], second=[1]).exact.reason


def test_speed_by_hand() -> None:
    found = speed(seconds=[1, 1.5, 8, np.nan, 10], fast_seconds=2)
    assert found.median_seconds.value == 4.75
    assert (found.fast_share.value, found.flagged, found.items) == (0.5, True, 4)
    assert not speed(seconds=[1, 8, 10], fast_seconds=2).flagged


def test_self_agreement_by_hand() -> None:
    found = self_agreement(first=[1, 2, 5, np.nan], second=[1, 4, 5, 2])
    assert found.pairs == 3
    assert found.exact.value == pytest.approx(2 / 3)
    assert found.mean_difference.value == pytest.approx(2 / 3)


def test_missed_instructions_are_named_by_place() -> None:
    found = instructed_items(values=[2.0, None, 4.0], wanted=[2.0, 1.0, 5.0])
    assert (found.answered, found.missed) == (2, (2,))


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidQualityInput, match="flag_run is 1"):
        straight_lining(values=[1], flag_run=1)
    with pytest.raises(InvalidQualityInput, match="-1 seconds"):
        speed(seconds=[-1], fast_seconds=2)
    with pytest.raises(InvalidQualityInput, match="fast_seconds is 0"):
        speed(seconds=[1], fast_seconds=0)
    with pytest.raises(InvalidQualityInput, match="shape"):
        self_agreement(first=[1], second=[1, 2])
    with pytest.raises(InvalidQualityInput, match="1 values for 2"):
        instructed_items(values=[1.0], wanted=[1.0, 2.0])
