"""Measures of the KPA 2021 shared task, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overton.domain.key_point_matching import (
    InvalidMatches,
    average_precision,
    mean_average_precision,
    threshold_scores,
)

NAN = np.nan


def test_four_arguments_by_hand() -> None:
    """The surer two of four are kept: one right at .9, one without a label at .8."""
    arguments = ["a", "a", "b", "b", "c", "c", "d", "d"]
    scores = np.array([0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.1, 0.6])
    labels = np.array([1, 0, 1, NAN, 1, 0, 1, 0], dtype=float)
    found = mean_average_precision(["t / 1"] * 8, arguments, scores, labels)
    assert (found.strict, found.relaxed, found.groups) == (1.0, 1.0, 1)


def test_unlabelled_match_first_costs_the_strict_reading() -> None:
    """Ranked: no label, right. Strict: precision 1/2 at the one match. Relaxed: both right."""
    arguments = ["a", "b", "c", "d"]
    scores = np.array([0.9, 0.8, 0.2, 0.1])
    labels = np.array([NAN, 1, 0, 0], dtype=float)
    found = mean_average_precision(["t"] * 4, arguments, scores, labels)
    assert (found.strict, found.relaxed) == (0.5, 1.0)


def test_mean_is_over_groups_not_arguments() -> None:
    """One group of two arguments with 1, one of four with none right: 0.5."""
    groups = ["t / 1"] * 2 + ["t / -1"] * 4
    arguments = list("abcdef")
    scores = np.array([0.9, 0.1, 0.9, 0.8, 0.7, 0.6])
    labels = np.array([1, 0, 0, 0, 1, 1], dtype=float)
    found = mean_average_precision(groups, arguments, scores, labels)
    assert (found.strict, found.relaxed, found.groups) == (0.5, 0.5, 2)


def test_half_is_rounded_down_and_first_row_wins() -> None:
    """Of three arguments one is kept; of two equal key points the first."""
    arguments = ["a", "a", "b", "c"]
    scores = np.array([0.9, 0.9, 0.5, 0.4])
    labels = np.array([1, 0, 0, 0], dtype=float)
    assert mean_average_precision(["t"] * 4, arguments, scores, labels).strict == 1.0
    assert mean_average_precision(["t"] * 4, arguments, scores, 1 - labels).strict == 0.0


def test_bad_rows_are_refused() -> None:
    one = np.array([1.0])
    with pytest.raises(InvalidMatches, match="0 groups"):
        mean_average_precision([], [], np.array([]), np.array([]))
    with pytest.raises(InvalidMatches, match="2 arguments"):
        mean_average_precision(["t"], ["a", "b"], one, one)
    with pytest.raises(InvalidMatches, match="1, 0 or NaN"):
        mean_average_precision(["t"], ["a"], one, one * 2)
    with pytest.raises(InvalidMatches, match=r"not 1\.5"):
        mean_average_precision(["t"], ["a"], one, one, share=1.5)
    with pytest.raises(InvalidMatches, match="Of the 1 arguments of 't' no one is left"):
        mean_average_precision(["t"], ["a"], one, one)


def test_average_precision_by_hand() -> None:
    positive = np.array([True, False, True])
    assert average_precision(positive, np.array([0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([False]), np.array([0.9])) == 0.0


def test_f1_by_hand() -> None:
    positive = np.array([True, True, False, False])
    found = threshold_scores(positive, np.array([0.9, 0.4, 0.6, 0.1]))
    assert found.f1_at_half == pytest.approx(0.5)
    assert found.best_f1 == pytest.approx(0.8)
    assert found.best_threshold == 0.4
    with pytest.raises(InvalidMatches, match="at least one match"):
        threshold_scores(np.array([False]), np.array([0.2]))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0, NAN])), min_size=2, max_size=30)
)
def test_relaxed_is_never_below_strict_when_all_labelled_ranks_alike(
    rows: list[tuple[float, float]],
) -> None:
    """Without unlabelled matches both readings agree; both lie in [0, 1]."""
    scores = np.array([score for score, _ in rows])
    labels = np.array([label for _, label in rows])
    arguments = [str(number) for number in range(len(rows))]
    found = mean_average_precision(["t"] * len(rows), arguments, scores, labels)
    assert 0 <= found.strict <= 1
    assert 0 <= found.relaxed <= 1
    if not np.isnan(labels).any():
        assert found.strict == found.relaxed
