"""Coverage and its companions, by hand and by what must always hold; pooled labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.measured import Measured
from overton.domain.coverage import (
    MEASURES,
    InvalidCoverageInput,
    compute_coverage,
    mean_over_queries,
    summarise_source,
    union_of,
)
from overton.domain.labels import ExpressionLabel, pool_all, pool_labels

YES, NO, AGAINST = ExpressionLabel.EXPRESSES, ExpressionLabel.DOES_NOT, ExpressionLabel.CONTRADICTS
W = [True, True, True, False, False, False]
U = [False, False, False, True, True, False]
SUPPORT = [0.6, 0.2, 0.2, 0.0, 0.05, 0.1]


def test_all_measures_by_hand() -> None:
    found = compute_coverage(
        expressed=[1, 1, 0, 1, 0, 1],
        reasonable=W,
        unreasonable=U,
        support=SUPPORT,
        held_by_group={"north": [0.1, 0.1, 0.8, 0, 0, 0], "nobody": [0] * 6},
        words=50,
    )
    assert found.coverage.value == pytest.approx(2 / 3)
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.accuracy.value == pytest.approx(3 / 5)
    assert found.f1.value == pytest.approx(2 / 3)
    assert found.weighted_coverage.value == pytest.approx(0.8)
    assert found.unreasonable_rate.value == pytest.approx(0.5)
    assert found.coverage_per_100_words.value == pytest.approx(4 / 3)
    assert found.overton_pluralistic.value == 0
    assert found.expressed == (0, 1, 3)
    groups = dict(found.by_group)
    assert groups["north"].value == pytest.approx(0.2)
    assert groups["nobody"].value is None
    assert "Nobody holds" in groups["nobody"].reason


def test_a_silent_response_has_no_precision_but_a_coverage_of_nothing() -> None:
    found = compute_coverage(expressed=[0] * 6, reasonable=W, unreasonable=U, words=0)
    assert found.precision.value is None
    assert "expresses none" in found.precision.reason
    assert found.coverage.value == 0
    assert found.f1.value == 0
    assert found.accuracy.value == pytest.approx(0.4)
    assert found.coverage_per_100_words.value is None
    assert found.weighted_coverage.value is None


def test_an_empty_window_has_reasons_and_no_zeros() -> None:
    found = compute_coverage(expressed=[1, 0], reasonable=[False] * 2, unreasonable=[False] * 2)
    for name in MEASURES:
        measured = getattr(found, name)
        assert measured.value is None
        assert measured.reason


def test_missing_labels_stand_in_no_measure_and_leave_the_flag_open() -> None:
    marks = [1, np.nan, 1, 0, 0, np.nan]
    found = compute_coverage(expressed=marks, reasonable=W, unreasonable=U)
    assert found.coverage.value == 1
    assert found.coverage.count == 2
    assert found.unlabelled == 1
    assert found.overton_pluralistic.value is None
    marks[1] = 1
    assert (
        compute_coverage(expressed=marks, reasonable=W, unreasonable=U).overton_pluralistic.value
        == 1
    )


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidCoverageInput, match="Answer 0 is in W and in U"):
        compute_coverage(expressed=[1], reasonable=[True], unreasonable=[True])
    with pytest.raises(InvalidCoverageInput, match="shapes"):
        compute_coverage(expressed=[1, 0], reasonable=[True], unreasonable=[False])
    with pytest.raises(InvalidCoverageInput, match="0, 1 and NaN"):
        compute_coverage(expressed=[0.5], reasonable=[True], unreasonable=[False])
    with pytest.raises(InvalidCoverageInput, match="at least one"):
        union_of(expressed=[])


def test_a_union_knows_what_any_response_expresses() -> None:
    union = union_of(expressed=[[1, 0, np.nan, 0], [np.nan, 0, 0, 1]])
    np.testing.assert_array_equal(union, [1, 0, np.nan, 1])


answers = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from("WU-")), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(answers=answers, more=st.data())
def test_saying_more_never_lowers_coverage_and_f1_is_the_harmonic_mean(
    answers: list[tuple[float, str]], more: st.DataObject
) -> None:
    marks = [mark for mark, _ in answers]
    w = [place == "W" for _, place in answers]
    u = [place == "U" for _, place in answers]
    one = compute_coverage(expressed=marks, reasonable=w, unreasonable=u)
    other = more.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(w), max_size=len(w)))
    both = compute_coverage(
        expressed=union_of(expressed=[marks, other]), reasonable=w, unreasonable=u
    )
    if one.coverage.value is not None:
        assert both.coverage.value is not None
        assert both.coverage.value >= one.coverage.value
    if one.precision.value and one.coverage.value and one.f1.value is not None:
        expected = 2 / (1 / one.precision.value + 1 / one.coverage.value)
        assert one.f1.value == pytest.approx(expected)


def test_the_mean_over_queries_leaves_out_what_has_no_value_and_says_so() -> None:
    values = [Measured(value=0.0), Measured(value=1.0), Measured.missing("no window")]
    found = mean_over_queries(values=values, rng=np.random.default_rng(1))
    again = mean_over_queries(values=values, rng=np.random.default_rng(1))
    assert found == again
    assert (found.value, found.low, found.high, found.count) == (0.5, 0.0, 1.0, 2)
    assert found.reason == "1 of 3 queries have no value."
    nothing = mean_over_queries(values=values[2:], rng=np.random.default_rng(1))
    assert nothing.value is None
    assert nothing.reason == "no window"
    alone = mean_over_queries(values=values[:1], rng=np.random.default_rng(1))
    assert alone.low is None
    assert "no interval" in alone.reason


def test_a_source_is_summarised_in_every_measure() -> None:
    queries = [
        compute_coverage(expressed=marks, reasonable=W, unreasonable=U, support=SUPPORT, words=80)
        for marks in ([1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0])
    ]
    summary = summarise_source(per_query=queries, seed=3)
    assert tuple(summary) == MEASURES
    assert summary["coverage"].value == pytest.approx(2 / 3)
    assert summary["overton_pluralistic"].value == 0.5


@pytest.mark.parametrize(
    ("jurors", "researchers", "label"),
    [
        ([YES, YES, NO], [], YES),
        ([NO, NO, YES], [], NO),
        ([YES, NO], [], None),
        ([YES, YES, NO, AGAINST], [], None),
        ([YES, NO, AGAINST], [], NO),
        ([YES, AGAINST, AGAINST, NO, YES], [], AGAINST),
        ([], [], None),
        ([NO, NO, NO], [YES], YES),
        ([YES, NO], [NO], NO),
        ([], [YES, NO], None),
        ([YES, YES], [YES, NO], YES),
    ],
)
def test_labels_are_pooled(
    jurors: list[ExpressionLabel],
    researchers: list[ExpressionLabel],
    label: ExpressionLabel | None,
) -> None:
    pooled = pool_labels(jurors=jurors, researchers=researchers)
    assert pooled.label is label
    assert dict(pooled.counts) == {kind: jurors.count(kind) for kind in ExpressionLabel}
    assert (pooled.reason == "") == (label is not None)
    assert np.isnan(pooled.expressed) == (label is None)


def test_disagreement_is_kept_even_when_a_researcher_settles() -> None:
    pooled = pool_labels(jurors=[YES, NO, NO, NO], researchers=[YES])
    assert pooled.agreement == 0.25
    assert pooled.settled_by_researcher


def test_every_labelled_pair_is_pooled() -> None:
    pooled = pool_all(jurors={(2, 1): [YES]}, researchers={(1, 1): [NO]})
    assert [(pair, found.label) for pair, found in pooled.items()] == [((1, 1), NO), ((2, 1), YES)]
